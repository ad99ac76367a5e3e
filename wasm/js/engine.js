// The engine in JavaScript, over one of the wasm modules; `index.d.ts` documents it.
import { ParapetError } from "./error.js";
import { disposable } from "./disposable.js";
import { CANDIDATES, OPTIONS, REQUEST, isBytes, optionOf, textOf } from "./json.js";
import { open } from "./open.js";
import { Border, Words } from "./plain.js";

const OPENED = Symbol("opened");

/**
 * The class of a wasm module's engines; `call` guards the module, `init` loads it, and `memory` gives its memory from then
 * on. `sha256` is the host's: 32 bytes of some, or a promise of them. `Residual` is the class of residuals, where the module
 * makes some.
 */
export function engineOf(wasm, { call, init, memory }, sha256, Residual = undefined) {
  const border = new Border(wasm, call, memory);

  class Engine {
    #wasm;
    #words;
    #policies = [];
    /** The id of a policy, which is asked for once. */
    #policyId = (number) => (this.#policies[number] ??= call(() => this.#wasm.policyId(number)));

    constructor(proof, engine) {
      if (proof !== OPENED) throw error("engine.not_opened", "an engine is made by `await Engine.open(bytes, options)`");
      this.#wasm = engine;
      this.#words = new Words(engine);
    }

    static async open(bytes, options) {
      if (!isBytes(bytes)) throw error("snapshot.not_bytes", "a snapshot is a Uint8Array");
      const text = textOf(options, OPTIONS);
      // A copy, since a subclass may say another length than it has, and what is hashed must be what is opened.
      const copy = new Uint8Array(bytes);
      await init();
      return new Engine(OPENED, await open(wasm, call, sha256, copy, text));
    }

    decide(request, options) {
      const turn = border.evaluation(this.#words, request);
      const how = options === undefined ? undefined : this.#how(turn, request, options);
      if (this.#plain(turn, how)) return border.answer(this.#policyId);
      return this.#ask("decide", request, how);
    }

    decideBatch(request, options) {
      const turn = border.evaluations(this.#words, request);
      const how = options === undefined ? undefined : this.#how(turn, request, options);
      if (!this.#plain(turn, how)) return this.#ask("decideBatch", request, how);
      const evaluations = new Array(border.count);
      for (let index = 0; index < evaluations.length; index++) evaluations[index] = border.answer(this.#policyId);
      return { evaluations };
    }

    explain(request, options) {
      return JSON.parse(this.#answer("explain", request, options));
    }

    check(principal, action, resourceType, resourceId, attributes, context) {
      const turn = border.parts(this.#words, principal, action, resourceType, resourceId, attributes, context);
      if (this.#plain(turn, undefined)) return border.allows();
      const subject = typeof principal === "string" ? { type: "user", id: principal } : principal;
      const resource = { type: resourceType, id: resourceId, properties: attributes };
      return this.#ask("decide", { subject, action: { name: action }, resource, context }, undefined).decision;
    }

    searchActions(request, options) {
      return JSON.parse(this.#answer("searchActions", request, options));
    }

    searchResources(request, options) {
      const [candidates, others] = optionOf(options, "candidates");
      const given = candidates === undefined ? undefined : textOf(candidates, CANDIDATES);
      return JSON.parse(this.#answer("searchResources", request, others, given));
    }

    searchSubjects(request, options) {
      return JSON.parse(this.#answer("searchSubjects", request, options));
    }

    residual(request, options) {
      return new Residual(this.#answer("residual", request, options));
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
      this.#words.close();
      if (engine !== undefined) call(() => engine.free());
    }

    /** Whether what was written in a turn is answered. */
    #plain(turn, how) {
      if (!border.holds(turn)) return false;
      const engine = this.#opened();
      const { count, length } = border;
      const answered =
        how === undefined
          ? call(() => engine.askPlain(count, length, Date.now()))
          : call(() => engine.askPlainWith(count, length, how, Date.now()));
      if (answered) border.rewind();
      return answered;
    }

    #answer(question, request, options, more) {
      return this.#asked(question, request, options === undefined ? undefined : this.#how(0, request, options), more);
    }

    #ask(question, request, how) {
      return JSON.parse(this.#asked(question, request, how));
    }

    #asked(question, request, how = "{}", more = undefined) {
      const text = textOf(request, REQUEST);
      const clock = Date.now();
      // After the caller's getters have run, one of which may have freed the engine.
      const engine = this.#opened();
      return call(() => engine[question](text, how, clock, more));
    }

    #how(turn, request, options) {
      // Of two things that are wrong, the request is named.
      if (turn === 0) textOf(request, REQUEST);
      return textOf(options, OPTIONS);
    }

    #opened() {
      if (this.#wasm === undefined) throw error("engine.freed", "the engine was freed");
      return this.#wasm;
    }
  }

  if (Residual === undefined) delete Engine.prototype.residual;
  disposable(Engine);
  return Engine;
}

function error(code, message) {
  return new ParapetError({ code, message });
}
