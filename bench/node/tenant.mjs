// A tenant, its trace and the right answers, as the Rust part of the run left them under `target/bench`.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { path } from "./engines.mjs";

export const DIRECTORY = path("target/bench");
export const SIZES = [100, 1_000, 10_000, 100_000];

const read = (grants, file) => readFileSync(join(DIRECTORY, String(grants), file));
const json = (grants, file) => JSON.parse(read(grants, file).toString());

/** A tenant in all the forms that engines load; each is read when it is asked for. */
export const tenant = (grants) => ({
  /** The roles and department of each user, and by role, then by action, when it holds. */
  data: () => json(grants, "tenant.json"),
  cedar: () => read(grants, "policies.cedar").toString(),
  snapshot: () => read(grants, "snapshot"),
  key: () => json(grants, "key.json"),
});

/** The requests, and what the floor answers. */
export const trace = (grants) => json(grants, "trace.json");
