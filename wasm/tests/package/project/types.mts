// What TypeScript sees of the package from an ES module.
import { Engine, ParapetError, init, type EvaluationResponse } from "@parapet/engine";
import { Engine as FullEngine, compile, compileSnapshot } from "@parapet/engine/full";

await init();
await init(new Uint8Array());
await init(Promise.resolve({}));
const key = { id: "k", hmac: "00" };
const bytes: Uint8Array = compileSnapshot({}, { version: 1, created: new Date(), key });
const engine: Engine = await Engine.open(bytes, { keys: [key] });
const same: Engine = await FullEngine.open(bytes, { keys: [key] });
const request = { subject: { type: "user", id: "ada" }, action: { name: "read" }, resource: { type: "document", id: "1" } };
const answer: EvaluationResponse = engine.decide(request);
const policies: string = compile({}).policies;
const code = (error: unknown): string | undefined => (error instanceof ParapetError ? error.code : undefined);

// @ts-expect-error: a number is no source
await init(7);
// @ts-expect-error: the edge build has no compiler
import { compile as none } from "@parapet/engine";

export { answer, code, policies, same };
