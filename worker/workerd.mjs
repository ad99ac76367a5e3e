// The processes of workerd that a test or a bench started: to be killed, pinned and measured.
import { readFile, readdir } from "node:fs/promises";

/** The children of this process that are workerd. */
export async function workers() {
  const found = [];
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    const [, name, rest] = /^\d+ \((.*)\) (.*)$/s.exec(stat) ?? [];
    if (name === "workerd" && Number(rest.split(" ")[1]) === process.pid) found.push(Number(pid));
  }
  return found;
}
