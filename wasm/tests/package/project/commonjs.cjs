// Node.js, CommonJS.
const edge = require("@parapet/engine");
const full = require("@parapet/engine/full");

(async () => {
  const { ask } = await import("./ask.mjs");
  const { default: given } = await import("./given.mjs");
  console.log(JSON.stringify(await Promise.all([ask(edge, given), ask(full, given)])));
})();
