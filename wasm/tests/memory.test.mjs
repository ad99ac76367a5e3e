// The wasm module's memory: decisions, errors and snapshots leave nothing behind.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Engine, KEY, open, request, snapshot, wasm } from "./tenant.mjs";

// Initialised already, so this only gives what there is.
const { memory } = wasm.initSync();
const size = () => memory.buffer.byteLength;

test("a million decisions do not grow the memory after the first hundred", async () => {
  const engine = await open();
  const ask = (turn) => {
    engine.decide(request(turn % 2 ? "read" : "write", { context: { spent: turn, note: "x".repeat(turn % 1000) } }));
    engine.check("ada", "read", "document", String(turn));
    try {
      engine.decide({ subject: turn });
    } catch {}
  };
  for (let turn = 0; turn < 100; turn++) ask(turn);
  const before = size();
  for (let turn = 0; turn < 333_333; turn++) ask(turn);
  assert.equal(size(), before);
});

test("a thousand engines that are freed do not grow the memory after the first hundred", async () => {
  const bytes = snapshot();
  const open = async () => {
    (await Engine.open(bytes, { keys: [KEY] })).free();
    await assert.rejects(Engine.open(bytes, { keys: [] }));
  };
  for (let turn = 0; turn < 100; turn++) await open();
  const before = size();
  for (let turn = 0; turn < 1_000; turn++) await open();
  assert.equal(size(), before);
});
