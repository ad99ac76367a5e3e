// A page's thread.
import { both } from "./both.mjs";

both().then(postMessage);
