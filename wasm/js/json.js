// JSON text of whatever JavaScript passes: exact, or refused with its place.
//
// JSON.stringify would leave out a function, write NaN, an invalid date or a hole in an array as null (which a policy
// takes for absent), a Map as {}, and say nothing; a forbid that reads the value would then not hold. It also says
// neither where a value stood that it does refuse nor stops before all of the memory is full.
import { ParapetError } from "./error.js";

/** What the text is for: the prefix or name of its errors' codes, and how long and deep it may be. */
export const REQUEST = {
  what: "request",
  tooLarge: "authzen.too_large",
  tooDeep: "authzen.too_deep",
  length: 1024 * 1024,
};
export const OPTIONS = {
  what: "options",
  tooLarge: "options.too_large",
  tooDeep: "options.too_deep",
  length: 1024 * 1024,
};
export const CANDIDATES = {
  what: "candidates",
  tooLarge: "candidates.too_large",
  tooDeep: "candidates.too_deep",
  length: 64 * 1024 * 1024,
};
export const COLUMNS = {
  what: "columns",
  tooLarge: "columns.too_large",
  tooDeep: "columns.too_deep",
  length: 1024 * 1024,
};
export const DOCUMENT = {
  what: "document",
  tooLarge: "document.too_large",
  tooDeep: "document.too_deep",
  length: 64 * 1024 * 1024,
};

/** More than the crate reads: what lies less deep is for the crate to judge. Each level costs stack. */
const DEPTH = 128;
const LONE_SURROGATE = /\p{Surrogate}/u;
const tagOf = Object.prototype.toString;
const bytesTag = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag).get;

/** Whether it truly is a Uint8Array, of any realm, and not something that says so. */
export function isBytes(value) {
  return bytesTag.call(value) === "Uint8Array";
}

/** The text of a value; in options, a key's bytes become hexadecimal text. */
export function textOf(value, purpose) {
  const writer = new Writer(purpose);
  try {
    writer.value(value, "");
  } catch (thrown) {
    // Getters, toJSON and proxies are the caller's code and throw what they like, so `thrown` is not looked at.
    throw writer.refusal ?? writer.notJson("cannot be read", { cause: thrown });
  }
  return writer.text;
}

/** One of some options, and the others. */
export function optionOf(options, name) {
  if (typeof options !== "object" || options === null) return [undefined, options];
  try {
    const { [name]: option, ...others } = options;
    return [option, others];
  } catch (cause) {
    throw new Writer(OPTIONS).notJson("cannot be read", { cause });
  }
}

/** The name under which the module gives the text of a whole number beyond those that JavaScript's numbers hold exactly. */
const INTEGER = "\0integer";

/** The value of the module's text: whole numbers beyond 2^53 are BigInts. */
export function exact(text) {
  return JSON.parse(text, (_, value) => (value?.[INTEGER] === undefined ? value : BigInt(value[INTEGER])));
}

/** Text that already is JSON, as far as JavaScript can tell. */
export function checkedText(text, purpose) {
  const writer = new Writer(purpose);
  if (text.length > purpose.length) throw writer.tooLarge();
  if (LONE_SURROGATE.test(text)) throw writer.notJson("holds a lone surrogate");
  return text;
}

class Writer {
  text = "";
  refusal;
  /** The keys on the way to where it is. */
  #way = [];
  #above = [];
  #purpose;

  constructor(purpose) {
    this.#purpose = purpose;
  }

  /** Writes a value that lies under `key`. */
  value(value, key) {
    switch (typeof value) {
      case "string":
        return this.#string(value);
      case "number":
        if (!Number.isFinite(value)) throw this.notJson(`is ${value}`);
        return this.#put(String(value));
      case "boolean":
        return this.#put(String(value));
      case "object":
        return value === null ? this.#put("null") : this.#object(value, key);
      default:
        throw this.notJson(value === undefined ? "is undefined" : `is a ${typeof value}`);
    }
  }

  #string(value) {
    if (value.length > this.#purpose.length) throw this.tooLarge();
    if (LONE_SURROGATE.test(value)) throw this.notJson("holds a lone surrogate");
    this.#put(JSON.stringify(value));
  }

  #object(value, key) {
    if (this.#purpose === OPTIONS && key === "hmac" && isBytes(value)) return this.#string(hex(value));
    if (tagOf.call(value) === "[object Date]" && Number.isNaN(Date.prototype.getTime.call(value))) {
      throw this.notJson("is an invalid date");
    }
    const toJson = value.toJSON;
    if (typeof toJson !== "function") return this.#container(value);
    const json = toJson.call(value, key);
    return typeof json === "object" && json !== null ? this.#container(json) : this.value(json, key);
  }

  #container(value) {
    if (this.#above.includes(value)) throw this.notJson("holds itself");
    if (this.#above.length >= DEPTH) throw this.#refuse(this.#purpose.tooDeep, "is nested too deep");
    this.#above.push(value);
    if (Array.isArray(value)) this.#array(value);
    else this.#fields(value);
    this.#above.pop();
  }

  #array(items) {
    this.#put("[");
    for (let index = 0; index < items.length; index++) {
      if (index > 0) this.#put(",");
      this.#way.push(index);
      this.value(items[index], String(index));
      this.#way.pop();
    }
    this.#put("]");
  }

  #fields(object) {
    const tag = tagOf.call(object);
    if (tag !== "[object Object]") throw this.notJson(`is a ${tag.slice(8, -1)}`);
    let separator = "{";
    for (const key of Object.keys(object)) {
      this.#way.push(key);
      const value = object[key];
      // A field that is undefined is as good as none to JavaScript, and so it is here.
      if (value !== undefined) {
        this.#put(separator);
        this.#string(key);
        this.#put(":");
        this.value(value, key);
        separator = ",";
      }
      this.#way.pop();
    }
    this.#put(separator === "{" ? "{}" : "}");
  }

  #put(text) {
    this.text += text;
    // Bytes are never fewer than UTF-16 units: what is too long here is too long there.
    if (this.text.length > this.#purpose.length) throw this.tooLarge();
  }

  tooLarge() {
    const { what, tooLarge, length } = this.#purpose;
    this.#way = [];
    return this.#refuse(tooLarge, `has too many bytes, at most ${length} are allowed`, what);
  }

  notJson(why, options) {
    return this.#refuse(`${this.#purpose.what}.not_json`, `${why}, which is no JSON`, this.#purpose.what, options);
  }

  #refuse(code, why, what = this.#purpose.what, options = undefined) {
    const steps = this.#way.map((step) => `/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`);
    const pointer = steps.join("");
    const where = pointer === "" ? `the ${what}` : `\`${pointer}\` of the ${what}`;
    this.refusal = new ParapetError({ code, message: `${where} ${why}`, pointer }, options);
    return this.refusal;
  }
}

function hex(bytes) {
  let text = "";
  for (const byte of new Uint8Array(bytes)) text += byte.toString(16).padStart(2, "0");
  return text;
}
