// What must hold of a resource: a predicate, SQL and JSON; `index.d.ts` documents it.
import { disposable } from "./disposable.js";
import { ParapetError } from "./error.js";
import { COLUMNS, REQUEST, exact, textOf } from "./json.js";

const DIALECTS = ["sqlite", "postgresql"];

/** The class of residuals over a wasm module that `call` guards. */
export function residualOf(call) {
  class Residual {
    #wasm;
    #json;

    constructor(residual) {
      this.#wasm = residual;
    }

    get answer() {
      return this.toJSON().answer;
    }

    get isExact() {
      return this.toJSON().unsupported.length === 0;
    }

    allows(id, properties) {
      if (typeof id !== "string") throw error("residual.id", "a resource's id is text");
      const text = properties === undefined ? "{}" : textOf(properties, REQUEST);
      if (/\p{Surrogate}/u.test(id)) throw error("residual.id", "a resource's id holds no lone surrogate");
      const residual = this.#held();
      return call(() => residual.allows(id, text));
    }

    sql(dialect, columns) {
      if (!DIALECTS.includes(dialect)) throw error("sql.dialect", "the dialect is `sqlite` or `postgresql`");
      const text = columns === undefined ? undefined : textOf(columns, COLUMNS);
      const residual = this.#held();
      return exact(call(() => residual.sql(dialect, text)));
    }

    toJSON() {
      const residual = this.#held();
      return exact((this.#json ??= call(() => residual.json())));
    }

    free() {
      const residual = this.#wasm;
      this.#wasm = undefined;
      if (residual !== undefined) call(() => residual.free());
    }

    #held() {
      if (this.#wasm === undefined) throw error("residual.freed", "the residual was freed");
      return this.#wasm;
    }
  }

  disposable(Residual);
  return Residual;
}

function error(code, message) {
  return new ParapetError({ code, message });
}
