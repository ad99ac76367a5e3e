// Requests of plain values, laid on the border to the wasm module as bytes and numbers, without JSON between: the way of
// nearly every request, and many times faster. `wasm/plain` reads it and states the layout.
//
// What is not plain, or not certainly what JSON would make of it, is not written, and the caller asks as JSON: that way
// judges it, with its errors. So both ways give the same answers, and a test holds them to each other.

const { getPrototypeOf, prototype } = Object;
const tagOf = prototype.toString;

/** Instead of a number of attributes: there are none said. */
const ABSENT = 0xffffffff;
const FALSE = 0;
const TRUE = 1;
const LONG = 2;
const TEXT = 3;
const ENTITY = 4;

const OUTCOMES = ["allow", "forbidden", "no_permit", "error"];
/** Instead of the end of a text: the number under which the engine knows it. */
const WORD = 0x80000000;
const MAX_ITEMS = 1000;
const SOMETHING = { type: "", id: "" };
const SOMETHING_DONE = { name: "" };
/** As JSON a request may have a MiB, of which something is for what holds the items. A number stands for at most 20 bytes of JSON beside the texts. */
const MAX_BODY = 1024 * 1024 - 1024;
const BYTES_A_NUMBER = 20;

/** How many bytes of text, numbers, and numbers of answers there is room for. */
const ONE = [16 * 1024, 4 * 1024, 1024];
const MANY = [768 * 1024, 64 * 1024, 64 * 1024];

/** How many texts an engine learns, and how long they may be. */
const MAX_WORDS = 8 * 1024;
const MAX_WORD = 64;

/**
 * The texts that one engine knows by number, since requests said them before: names, and the principals of its snapshot. To
 * find one here costs less than to lay it on the border and to read it there. The engine gives the numbers, and none ever
 * comes to stand for another text: where there is no room for more, what is new is laid down each time.
 */
export class Words {
  #engine;
  #numbers = new Map();

  constructor(engine) {
    this.#engine = engine;
  }

  /** The number of a text, if it has one. */
  get(text) {
    return this.#numbers.get(text);
  }

  /** Whether a text of this length may become a word. */
  admits(length) {
    return this.#engine !== undefined && length <= MAX_WORD && this.#numbers.size < MAX_WORDS;
  }

  /** Has the engine learn a text, which lies on the border. Of what should name a principal it learns only what does. */
  learn(text, from, to, isPrincipal) {
    const number = this.#engine.learn(from, to, isPrincipal);
    if (number >= 0) this.#numbers.set(text, WORD | number);
  }

  /** When the engine is freed. */
  close() {
    this.#engine = undefined;
    this.#numbers.clear();
  }
}

/** The border of one wasm module; `call` guards the module, and `memory` gives its memory once it is loaded. */
export class Border {
  #wasm;
  #call;
  #memory;
  /** Of the engine that is asked. */
  #words;
  #room = [0, 0, 0];
  #texts = new Uint8Array();
  #numbers = new Uint32Array();
  #answers = new Uint32Array();
  /** Where the next text and number go. */
  #text = 0;
  #number = 0;
  /** How many bytes of text need not be written, since they are words. */
  #spared = 0;
  #count = 0;
  #read = 0;
  #reasons = [];
  /** Counts what is written, since a caller's getter may ask in the middle of another request. */
  #turn = 0;

  constructor(wasm, call, memory) {
    this.#wasm = wasm;
    this.#call = call;
    this.#memory = memory;
  }

  /** Writes an evaluation; gives the turn in which it was written, or 0 where it is not plain. */
  evaluation(words, request) {
    const turn = this.#begin(words, ONE);
    try {
      return this.#request(request) && this.#fits(turn) ? turn : 0;
    } catch {
      // A caller's getter or proxy, which the other way asks again.
      return 0;
    }
  }

  /** Writes the parts of one; gives its turn, or 0. */
  parts(words, principal, action, resourceType, resourceId, attributes, context) {
    const turn = this.#begin(words, ONE);
    try {
      const written =
        this.#name("user") &&
        this.#principal(principal) &&
        this.#name(action) &&
        this.#name(resourceType) &&
        this.#string(resourceId) &&
        this.#attributes(undefined) &&
        this.#attributes(attributes) &&
        this.#attributes(context);
      return written && this.#fits(turn) ? turn : 0;
    } catch {
      return 0;
    }
  }

  /** Writes the items of a batch; gives their turn, or 0. */
  evaluations(words, request) {
    const turn = this.#begin(words, MANY);
    try {
      return this.#items(request) && this.#fits(turn) ? turn : 0;
    } catch {
      return 0;
    }
  }

  /** Whether what was written in a turn still lies there: since then the caller's code may have asked something else. */
  holds(turn) {
    return turn !== 0 && turn === this.#turn && this.#texts.length > 0;
  }

  /** How many requests were written. */
  get count() {
    return this.#count;
  }

  /** How many bytes of text were written. */
  get length() {
    return this.#text;
  }

  /** Before answers are read: those of the last call. */
  rewind() {
    // The call may have made the memory grow.
    if (this.#answers.length === 0) this.#look();
    this.#read = 0;
  }

  /** Whether the next answer is a yes; only of a single one. */
  allows() {
    return (this.#answers[0] & 15) === 0;
  }

  /** The next answer. */
  answer(policyId) {
    const answers = this.#answers;
    const head = answers[this.#read++];
    const outcome = OUTCOMES[head & 15];
    const reason = (head >>> 4) & 15;
    const policies = [];
    for (let left = head >>> 8; left > 0; left--) policies.push(policyId(answers[this.#read++]));
    const decision = outcome === "allow";
    if (reason === 0) return { decision, context: { outcome, policies, errors: [] } };
    return { decision, context: { outcome, reason: this.#reason(reason), policies, errors: [] } };
  }

  #reason(number) {
    return (this.#reasons[number] ??= this.#wasm.reasonName(number));
  }

  #begin(words, room) {
    this.#words = words;
    this.#spared = 0;
    this.#text = 0;
    this.#number = 0;
    this.#count = 1;
    // A view has no length any more when the memory has grown.
    if (this.#room[0] < room[0]) {
      this.#room = room;
      this.#look();
    } else if (this.#texts.length === 0) this.#look();
    return ++this.#turn;
  }

  #look() {
    const [texts, numbers, answers] = this.#call(() => this.#wasm.makeRoom(...this.#room));
    const { buffer } = this.#memory();
    this.#texts = new Uint8Array(buffer, texts, this.#room[0]);
    this.#numbers = new Uint32Array(buffer, numbers, this.#room[1]);
    this.#answers = new Uint32Array(buffer, answers, this.#room[2]);
  }

  /** Whether all that was written is there, and as JSON were not too large. */
  #fits(turn) {
    return (
      this.holds(turn) &&
      this.#number <= this.#numbers.length &&
      this.#text + this.#spared + BYTES_A_NUMBER * this.#number < MAX_BODY
    );
  }

  #items(request) {
    if (!isPlain(request)) return false;
    let items, subject, action, resource, context;
    for (const key in request) {
      const value = request[key];
      if (key === "evaluations") items = value;
      else if (key === "subject") subject = value;
      else if (key === "action") action = value;
      else if (key === "resource") resource = value;
      else if (key === "context") context = value;
      else if (value !== undefined) return false;
    }
    if (!Array.isArray(items) || items.toJSON !== undefined) return false;
    const count = items.length;
    if (!(count >= 1 && count <= MAX_ITEMS)) return false;
    this.#count = count;
    // Defaults that no item takes are judged all the same.
    if (!this.#request({}, subject ?? SOMETHING, action ?? SOMETHING_DONE, resource ?? SOMETHING, context)) return false;
    this.#text = this.#number = this.#spared = 0;
    for (let index = 0; index < count; index++) {
      if (!this.#request(items[index], subject, action, resource, context)) return false;
    }
    return true;
  }

  #request(request, subject, action, resource, context) {
    if (!isPlain(request)) return false;
    for (const key in request) {
      const value = request[key];
      if (value === undefined) continue;
      if (key === "subject") subject = value;
      else if (key === "action") action = value;
      else if (key === "resource") resource = value;
      else if (key === "context") context = value;
      else return false;
    }
    if (!isPlain(subject) || !isPlain(action) || !isPlain(resource)) return false;

    let type, id, name, ofSubject, properties;
    for (const key in subject) {
      const value = subject[key];
      if (key === "type") type = value;
      else if (key === "id") id = value;
      else if (key === "properties") ofSubject = value;
      else if (value !== undefined) return false;
    }
    if (!this.#name(type) || !this.#principal(id)) return false;
    for (const key in action) {
      const value = action[key];
      if (key === "name") name = value;
      else if (value !== undefined) return false;
    }
    if (!this.#name(name)) return false;
    type = id = undefined;
    for (const key in resource) {
      const value = resource[key];
      if (key === "type") type = value;
      else if (key === "id") id = value;
      else if (key === "properties") properties = value;
      else if (value !== undefined) return false;
    }
    return (
      this.#name(type) &&
      this.#string(id) &&
      this.#attributes(ofSubject) &&
      this.#attributes(properties) &&
      this.#attributes(context)
    );
  }

  #attributes(attributes) {
    const at = this.#number++;
    if (attributes === undefined) {
      this.#numbers[at] = ABSENT;
      return true;
    }
    if (!isPlain(attributes)) return false;
    let count = 0;
    for (const name in attributes) {
      const value = attributes[name];
      if (value === undefined) continue;
      if (!this.#name(name) || !this.#value(value)) return false;
      count++;
    }
    this.#numbers[at] = count;
    return true;
  }

  #value(value) {
    switch (typeof value) {
      case "string":
        this.#put(TEXT);
        return this.#string(value);
      case "boolean":
        this.#put(value ? TRUE : FALSE);
        return true;
      case "number":
        if (!Number.isSafeInteger(value)) return false;
        this.#put(LONG);
        this.#put(value);
        this.#put(Math.floor(value / 0x100000000));
        return true;
      case "object":
        return this.#entity(value);
      default:
        return false;
    }
  }

  #entity(value) {
    if (!isPlain(value)) return false;
    let type, id;
    for (const key in value) {
      if (key === "type") type = value.type;
      else if (key === "id") id = value.id;
      else return false;
    }
    this.#put(ENTITY);
    return this.#name(type) && this.#id(id);
  }

  #put(number) {
    this.#numbers[this.#number++] = number;
  }

  /** Writes a name: there are few, and they come again. */
  #name(string) {
    return this.#known(string) || this.#new(string, false);
  }

  /** Writes what names a principal: few of them ask often. */
  #principal(string) {
    return this.#known(string) || this.#new(string, true);
  }

  /** Writes the id of an entity, which is often a principal. */
  #id(string) {
    return this.#known(string) || this.#string(string);
  }

  /** Writes a word, if the text is one. */
  #known(string) {
    const word = this.#words.get(string);
    if (word === undefined) return false;
    this.#spared += string.length;
    this.#numbers[this.#number++] = word;
    return true;
  }

  /** Writes a text, which becomes a word if it may. Only one of ASCII, which has as many bytes as units. */
  #new(string, isPrincipal) {
    const from = this.#text;
    if (!this.#string(string)) return false;
    const words = this.#words;
    const to = this.#text;
    if (to - from === string.length && words.admits(string.length)) {
      this.#call(() => words.learn(string, from, to, isPrincipal));
    }
    return true;
  }

  /** Writes a text in UTF-8. One that JSON would lengthen by escapes is left to JSON, and so is a lone surrogate. */
  #string(string) {
    if (typeof string !== "string") return false;
    const texts = this.#texts;
    const { length } = string;
    let to = this.#text;
    if (to + 3 * length > texts.length) return false;
    for (let index = 0; index < length; index++) {
      const unit = string.charCodeAt(index);
      if (unit < 0x80) {
        if (unit < 0x20 || unit === 0x22 || unit === 0x5c) return false;
        texts[to++] = unit;
      } else if (unit < 0x800) {
        texts[to++] = 0xc0 | (unit >> 6);
        texts[to++] = 0x80 | (unit & 0x3f);
      } else if (unit < 0xd800 || unit > 0xdfff) {
        texts[to++] = 0xe0 | (unit >> 12);
        texts[to++] = 0x80 | ((unit >> 6) & 0x3f);
        texts[to++] = 0x80 | (unit & 0x3f);
      } else {
        const point = string.codePointAt(index);
        if (point < 0x10000) return false;
        index++;
        texts[to++] = 0xf0 | (point >> 18);
        texts[to++] = 0x80 | ((point >> 12) & 0x3f);
        texts[to++] = 0x80 | ((point >> 6) & 0x3f);
        texts[to++] = 0x80 | (point & 0x3f);
      }
    }
    this.#text = to;
    this.#numbers[this.#number++] = to;
    return true;
  }
}

/**
 * Whether it is an object as literals and JSON.parse make them, all of whose enumerable properties are its own: then
 * `for in` names what Object.keys would. (A null prototype, a class or another realm's object is no worse, but rarer.)
 */
function isPlain(value) {
  return (
    typeof value === "object" &&
    value !== null &&
    getPrototypeOf(value) === prototype &&
    value.toJSON === undefined &&
    // What has another nature under this prototype, such as a Date.
    tagOf.call(value) === "[object Object]" &&
    !isPolluted()
  );
}

/** Whether objects inherit enumerable properties. */
function isPolluted() {
  for (const _ in prototype) return true;
  return false;
}
