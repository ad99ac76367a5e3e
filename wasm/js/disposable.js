// What holds memory of the module gives it back by `using`, where the host has it.

/** Has `using` call `free`; where there is no `using` there is nothing to define it under. */
export function disposable(of) {
  if (Symbol.dispose === undefined) return;
  Object.defineProperty(of.prototype, Symbol.dispose, { value: of.prototype.free, configurable: true });
}
