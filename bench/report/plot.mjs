// The plot: latency against grants, both logarithmic, a line an engine. SVG by hand, for light and for dark pages.
const WIDTH = 860;
const HEIGHT = 540;
const LEFT = 70;
const RIGHT = 610;
const TOP = 50;
const BOTTOM = 480;
const INK = "#7d8590";
/** Middle tones, which stand out from white and from black. */
const COLOURS = ["#e5484d", "#3e8bff", "#2da44e", "#d97706", "#a371f7", "#db61a2", "#0e9aa7", "#8d9b00", "#b7791f", "#6e8efb"];

/** `lines`: `{ name, ours, dashed, points: [grants, microseconds][] }`. */
export function plot(lines) {
  const values = lines.flatMap(({ points }) => points.map(([, value]) => value));
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.ceil(Math.log10(Math.max(...values)));
  const x = (grants) => LEFT + ((Math.log10(grants) - 2) / 3) * (RIGHT - LEFT);
  const y = (value) => BOTTOM - ((Math.log10(value) - low) / (high - low)) * (BOTTOM - TOP);
  const decades = Array.from({ length: high - low + 1 }, (_, step) => 10 ** (low + step));
  const parts = [
    ...decades.map((value) => `<path d="M${LEFT} ${y(value)}H${RIGHT}" stroke="${INK}" stroke-opacity=".25"/>` + text(LEFT - 8, y(value) + 4, time(value), { anchor: "end" })),
    ...[100, 1_000, 10_000, 100_000].map((grants) => text(x(grants), BOTTOM + 20, grants.toLocaleString("en"), { anchor: "middle" })),
    text((LEFT + RIGHT) / 2, BOTTOM + 44, "grants", { anchor: "middle" }),
    text(LEFT, 24, "One decision, median (log scales): solid is native, dashed is Node", { size: 15 }),
    ...drawn(lines, x, y),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" role="img" aria-label="Median latency of a decision against the number of grants, by engine">\n${parts.join("\n")}\n</svg>\n`;
}

/** The lines, each with its name at its right end; names keep apart from each other. */
function drawn(lines, x, y) {
  const others = lines.filter(({ ours }) => !ours);
  const colour = (line) => COLOURS[line.ours ? 0 : 1 + (others.indexOf(line) % (COLOURS.length - 1))];
  const ends = lines
    .map((line) => ({ ...line, colour: colour(line), at: y(line.points.at(-1)[1]) }))
    .sort((one, other) => one.at - other.at);
  const apart = 17;
  ends.forEach((end, index) => (end.label = Math.max(end.at, index ? ends[index - 1].label + apart : TOP)));
  for (let index = ends.length - 1, limit = BOTTOM + 10; index >= 0; index--, limit -= apart) {
    ends[index].label = Math.min(ends[index].label, limit);
    limit = Math.min(limit, ends[index].label);
  }
  return ends.map(({ name, ours, dashed, points, colour, at, label }) => {
    const way = points.map(([grants, value]) => `${x(grants).toFixed(1)} ${y(value).toFixed(1)}`).join("L");
    const last = x(points.at(-1)[0]);
    const dash = dashed ? ' stroke-dasharray="6 4"' : "";
    return [
      `<path d="M${way}" fill="none" stroke="${colour}" stroke-width="${ours ? 3.5 : 1.8}"${dash}/>`,
      ...points.map(([grants, value]) => `<circle cx="${x(grants).toFixed(1)}" cy="${y(value).toFixed(1)}" r="${ours ? 4 : 2.5}" fill="${colour}"/>`),
      `<path d="M${(last + 5).toFixed(1)} ${at.toFixed(1)}L${RIGHT + 14} ${label.toFixed(1)}" stroke="${colour}" stroke-opacity=".5"/>`,
      text(RIGHT + 18, label + 4, name, { colour, weight: ours ? 700 : 400 }),
    ].join("");
  });
}

function text(x, y, content, { anchor = "start", colour = INK, size = 13, weight = 400 } = {}) {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" fill="${colour}" font-size="${size}" font-weight="${weight}">${content}</text>`;
}

/** A time in the unit that suits it. */
export function time(microseconds) {
  const [value, unit] =
    microseconds < 1 ? [microseconds * 1e3, "ns"]
    : microseconds < 1e3 ? [microseconds, "µs"]
    : microseconds < 1e6 ? [microseconds / 1e3, "ms"]
    : [microseconds / 1e6, "s"];
  return `${Number(value.toPrecision(3)).toLocaleString("en")} ${unit}`;
}
