// Node.js, ES modules.
import { both } from "./both.mjs";

console.log(JSON.stringify(await both()));
