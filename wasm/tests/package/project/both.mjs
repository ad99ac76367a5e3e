// Both builds are asked.
import * as edge from "@parapet/engine";
import * as full from "@parapet/engine/full";
import { ask } from "./ask.mjs";
import given from "./given.mjs";

export const both = () => Promise.all([ask(edge, given), ask(full, given)]);
