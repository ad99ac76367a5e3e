// A page that a bundler reads, with a thread of its own.
import "./page.mjs";
import { thread } from "./thread_of.mjs";

globalThis.thread = thread(new Worker(new URL("./thread.mjs", import.meta.url), { type: "module" }));
