// The package's surface: an engine, and the compiler. Delegates to the wasm module; `index.d.ts` documents it.
import * as wasm from "../pkg/parapet_wasm.js";
import { ParapetError, call } from "./error.js";
import { DOCUMENT, OPTIONS, REQUEST, checkedText, isBytes, textOf } from "./json.js";

export { ParapetError };

const OPENED = Symbol("opened");

export class Engine {
  #wasm;

  constructor(proof, engine) {
    if (proof !== OPENED) throw error("engine.not_opened", "an engine is made by `await Engine.open(bytes, options)`");
    this.#wasm = engine;
  }

  static async open(bytes, options) {
    if (!isBytes(bytes)) throw error("snapshot.not_bytes", "a snapshot is a Uint8Array");
    const text = textOf(options, OPTIONS);
    // A copy, since a subclass may say another length than it has.
    const copy = new Uint8Array(bytes);
    return new Engine(OPENED, call(() => wasm.Engine.open(copy, text)));
  }

  decide(request, options) {
    return this.#ask("decide", request, options);
  }

  decideBatch(request, options) {
    return this.#ask("decideBatch", request, options);
  }

  explain(request, options) {
    return this.#ask("explain", request, options);
  }

  check(principal, action, resourceType, resourceId, attributes, context) {
    const subject = typeof principal === "string" ? { type: "user", id: principal } : principal;
    const resource = { type: resourceType, id: resourceId, properties: attributes };
    return this.decide({ subject, action: { name: action }, resource, context }).decision;
  }

  get policyVersion() {
    const engine = this.#opened();
    return call(() => engine.policyVersion);
  }

  get tenant() {
    const engine = this.#opened();
    return call(() => engine.tenant);
  }

  free() {
    const engine = this.#wasm;
    this.#wasm = undefined;
    if (engine !== undefined) call(() => engine.free());
  }

  #ask(question, request, options) {
    const text = textOf(request, REQUEST);
    const how = options === undefined ? "{}" : textOf(options, OPTIONS);
    const clock = Date.now();
    // After the caller's getters have run, one of which may have freed the engine.
    const engine = this.#opened();
    return JSON.parse(call(() => engine[question](text, how, clock)));
  }

  #opened() {
    if (this.#wasm === undefined) throw error("engine.freed", "the engine was freed");
    return this.#wasm;
  }
}

// Where the host has `using`; elsewhere there is nothing to define it under.
if (Symbol.dispose !== undefined) {
  Object.defineProperty(Engine.prototype, Symbol.dispose, { value: Engine.prototype.free, configurable: true });
}

export function compile(document) {
  const text = documentText(document);
  return JSON.parse(call(() => wasm.compile(text)));
}

export function compileSnapshot(document, options) {
  const text = documentText(document);
  const how = textOf(options, OPTIONS);
  return call(() => wasm.compileSnapshot(text, how));
}

function documentText(document) {
  return typeof document === "string" ? checkedText(document, DOCUMENT) : textOf(document, DOCUMENT);
}

function error(code, message) {
  return new ParapetError({ code, message });
}
