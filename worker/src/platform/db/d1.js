// D1's answers as text: reading one text costs the Worker a fraction of crossing over for each cell.

/** The rows of a statement as JSON; `parameters` is a JSON array. */
export async function all(database, sql, parameters) {
  const { results } = await database.prepare(sql).bind(...JSON.parse(parameters)).all();
  return JSON.stringify(results ?? []);
}

/** The rows of each statement as JSON; `statements` is a JSON array of texts with their parameters. */
export async function batch(database, statements) {
  const prepared = JSON.parse(statements).map(([sql, parameters]) => database.prepare(sql).bind(...parameters));
  return JSON.stringify((await database.batch(prepared)).map(({ results }) => results ?? []));
}
