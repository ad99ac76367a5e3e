// A page.
import { both } from "./both.mjs";

globalThis.answers = both();
