// What is asked in every environment, by this same file: the answers must be the same in all of them.
const bytesOf = (base64) => Uint8Array.from(atob(base64), (unit) => unit.charCodeAt(0));

/** What a build of the package answers; `given` and the answers are JSON. */
export async function ask({ Engine, ParapetError, compileSnapshot, init }, { document, made, now, requests, snapshots }) {
  const answers = [];
  for (const { base64, keys } of snapshots) {
    const bytes = bytesOf(base64);
    const engine = await Engine.open(bytes, { keys });
    const decided = requests.map((request) => engine.decide(request, { now }));
    const batch = engine.decideBatch({ evaluations: requests }, { now });
    const why = engine.explain(requests[0], { now });
    const allows = engine.check("ada", "read", "document", "plan");
    // The content, which the hash vouches for, and the signature.
    const refused = [bytes.length - 20, 160].map((at) => {
      const changed = bytes.with(at, bytes[at] ^ 1);
      return Engine.open(changed, { keys }).then(String, (error) => [error instanceof ParapetError, error.name, error.code]);
    });
    answers.push({ version: engine.policyVersion, decided, batch, why, allows, refused: await Promise.all(refused) });
    engine.free();
  }
  // Loaded by now: that of nothing is not looked at.
  await init("nothing");
  const compiled = compileSnapshot === undefined ? "not here" : compileSnapshot(document, made);
  return { answers, compiled: String(compiled) };
}
