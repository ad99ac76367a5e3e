// A page whose thread a bundler made by itself.
import { thread } from "./thread_of.mjs";

globalThis.answers = thread(new Worker("./webworker/main.js"));
