// What TypeScript sees of the package from a CommonJS module.
import edge = require("@parapet/engine");
import { compile, compileSnapshot } from "@parapet/engine/full";

const key = { id: "k", hmac: "00" };
const bytes: Uint8Array = compileSnapshot({}, { version: 1, created: new Date(), key });
const opening: Promise<edge.Engine> = edge.init().then(() => edge.Engine.open(bytes, { keys: [key] }));
const policies: string = compile({}).policies;
const code = (error: unknown): string | undefined => (error instanceof edge.ParapetError ? error.code : undefined);

// @ts-expect-error: an engine is opened
new edge.Engine();

export = { code, opening, policies };
