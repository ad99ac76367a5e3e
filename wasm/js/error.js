// The one kind of error that this package throws, and the border behind which the wasm module lies.

export class ParapetError extends Error {
  constructor({ code, message, pointer, findings }, options) {
    super(message, options);
    this.code = code;
    if (pointer !== undefined) this.pointer = pointer;
    if (findings !== undefined) this.findings = findings;
  }
}

// On the prototype, as the names of the built-in errors are, so that an error's own fields are what it says.
Object.defineProperty(ParapetError.prototype, "name", { value: "ParapetError", configurable: true, writable: true });

/**
 * The way into a wasm module, whose failures are JSON text that is thrown: `call`, which is closed until `open` says that the
 * module is there.
 *
 * Anything else that comes out was not thrown by Parapet: the stack or the memory was at its end, in the middle of
 * whatever ran. What the module's memory holds is then unknown, and a decision made of it could be an allow: from
 * there on it decides nothing. No caller's code may run within `run`, lest what that throws be taken for this.
 */
export function guard() {
  // Why nothing passes, as an error is made of it.
  let closed = [{ code: "engine.not_ready", message: "the wasm module is not loaded yet: await `init()` before" }];

  function call(run) {
    if (closed !== undefined) throw new ParapetError(...closed);
    try {
      return run();
    } catch (thrown) {
      if (typeof thrown === "string") throw new ParapetError(JSON.parse(thrown));
      closed = [{ code: "engine.broken", message: "the engine failed before and decides no more" }, { cause: thrown }];
      throw new ParapetError({ code: "engine.broken", message: "the engine failed and decides no more" }, { cause: thrown });
    }
  }

  function open() {
    closed = undefined;
  }

  return { call, open };
}
