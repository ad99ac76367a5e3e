// A Worker, which needs both builds loaded when it starts.
import { compile } from "@parapet/engine/full";
import { both } from "./both.mjs";
import given from "./given.mjs";

const { policies } = compile(given.document);

export default {
  fetch: async () => Response.json({ answers: await both(), policies }),
};
