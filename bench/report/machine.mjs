// Where and when something was measured.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";

export function machine() {
  const model = readFileSync("/proc/cpuinfo", "utf8").match(/model name\s*: (.*)/)?.[1] ?? "unknown processor";
  const rust = execFileSync("rustc", ["--version"], { encoding: "utf8" }).split(" ")[1];
  const memory = Math.round(totalmem() / 2 ** 30);
  const processor = `${availableParallelism()} cores of ${model}, ${memory} GiB, ${process.platform} ${process.arch}`;
  return {
    date: new Date().toISOString().slice(0, 10),
    processor,
    text: `${processor}; Rust ${rust}, profile \`bench\`; Node ${process.versions.node}`,
  };
}
