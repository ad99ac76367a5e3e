// A table in Markdown.

/** Columns are headings with what they show, the first on the left. */
export function table(rows, columns) {
  const heads = Object.keys(columns);
  const line = (cells) => `| ${cells.join(" | ")} |`;
  const marks = `|${heads.map((_, index) => (index ? "--:" : "--")).join("|")}|`;
  return [line(heads), marks, ...rows.map((row) => line(heads.map((head) => columns[head](row))))].join("\n");
}
