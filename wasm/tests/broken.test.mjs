// When the stack ends in the middle of a decision, nothing decides any more.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Engine, KEY, failure, open, request, snapshot } from "./tenant.mjs";

test("an engine whose stack ran out denies by throwing, for ever", async () => {
  const engine = await open();
  const ask = request();
  const bytes = snapshot();
  let answers = 0;
  // Asks at every depth on the way back from the end of the stack, where there is a little more of it each time.
  const dive = () => {
    try {
      dive();
    } catch {}
    if (engine.decide(ask).decision) answers++;
  };
  assert.throws(() => dive(), failure("engine.broken"));
  assert.throws(() => engine.decide(ask), failure("engine.broken"));
  await assert.rejects(Engine.open(bytes, { keys: [KEY] }), failure("engine.broken"));
  assert.equal(answers, 0);
});
