// The adapter for React: rendered on a server, and in a page that follows a source.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { Window } from "happy-dom";
import { compileSnapshot } from "@parapet/engine/full";
import { SnapshotSource } from "@parapet/engine/source";
import { Engine, KEY, NOW, open, snapshot, tenant } from "./tenant.mjs";

// React looks for a page when it is loaded.
const window = new Window({ url: "https://app.example/" });
Object.assign(globalThis, { window, document: window.document, IS_REACT_ACT_ENVIRONMENT: true });
globalThis.navigator ??= window.navigator;
const { Component, StrictMode, act, createElement: h } = await import("react");
const { createRoot, hydrateRoot } = await import("react-dom/client");
const { renderToString } = await import("react-dom/server");
const { AccessProvider, Can, useCan } = await import("@parapet/engine/react");

let engine;
before(async () => {
  engine = await open();
});
after(() => window.happyDOM.close());

let page, root;
beforeEach(async () => {
  if (root !== undefined) await act(() => root.unmount());
  page = document.createElement("main");
  document.body.replaceChildren(page);
  root = createRoot(page);
});

const read = { action: "read", resourceType: "document", resourceId: "plan" };
const secret = { ...read, attributes: { label: "secret" } };
const show = (access, ...inside) => h(StrictMode, null, h(AccessProvider, access, ...inside));
const render = (element) => act(() => root.render(element));
const text = () => page.textContent;

test("on a server, what is allowed is rendered and else its fallback", () => {
  const may = h(Can, { ...read, fallback: "no" }, "yes");
  const mayNot = h(Can, { ...secret, fallback: "no" }, "yes");
  const html = (access, inside) => renderToString(show(access, inside));
  assert.equal(html({ engine, subject: "ada" }, may), "yes");
  assert.equal(html({ engine, subject: { type: "user", id: "ada" } }, may), "yes");
  assert.equal(html({ engine, subject: "ada" }, mayNot), "no");
  assert.equal(html({ engine, subject: "ada" }, h(Can, secret, "yes")), "");
  assert.equal(html({ engine, subject: "eve" }, may), "no");
  assert.equal(html({ engine, subject: null }, may), "no");
  assert.equal(html({ engine: undefined, subject: "ada" }, may), "no");
});

test("useCan takes what check takes", async () => {
  const Write = ({ spent }) => String(useCan("write", "document", "plan", undefined, { spent }));
  await render(show({ engine, subject: "ada" }, h(Write, { spent: 1 })));
  assert.equal(text(), "true");
  await render(show({ engine, subject: "ada" }, h(Write, { spent: 100 })));
  assert.equal(text(), "false");
  // Another subject, and another engine, are followed too.
  await render(show({ engine, subject: "eve" }, h(Write, { spent: 1 })));
  assert.equal(text(), "false");
  await render(show({ engine: { check: () => true }, subject: "eve" }, h(Write, { spent: 1 })));
  assert.equal(text(), "true");
  // What is no yes is none.
  await render(show({ engine: { check: () => Promise.resolve(true) }, subject: "eve" }, h(Write, { spent: 1 })));
  assert.equal(text(), "false");
});

test("what is shown follows a source: to another snapshot, when it is too old, and to its end", async () => {
  let rows = tenant;
  let version = 1;
  let clock = 0;
  const fetch = async () => new Response(compileSnapshot(rows, { version: version++, created: NOW, key: KEY }));
  const source = new SnapshotSource(Engine, "https://rules.example/", { keys: [KEY], fetch, clock: () => clock, maxAge: 1_000 });
  let [rendered, listeners] = [0, 0];
  const { addEventListener, removeEventListener } = source;
  source.addEventListener = (...all) => (listeners++, addEventListener.apply(source, all));
  source.removeEventListener = (...all) => (listeners--, removeEventListener.apply(source, all));
  const Counted = () => (rendered++, h(Can, { ...read, fallback: "no" }, "yes"));
  await render(show({ engine: source, subject: "ada" }, h(Counted)));
  assert.equal(text(), "no");
  await act(() => source.refresh());
  assert.equal(text(), "yes");
  const before = rendered;
  rows = { ...tenant, user_role: [] };
  await act(() => source.refresh());
  assert.equal(text(), "no");
  // Only what asks is rendered again.
  assert.equal(rendered, before);
  rows = tenant;
  await act(() => source.refresh());
  assert.equal(text(), "yes");
  clock = 1_001;
  await act(() => source.dispatchEvent(new Event("change")));
  assert.equal(text(), "no");
  await act(() => source.refresh());
  assert.equal(text(), "yes");
  await act(() => source.close());
  assert.equal(text(), "no");
  assert.equal(listeners, 1);
  await act(() => root.unmount());
  assert.equal(listeners, 0);
  root = undefined;
});

test("what a server rendered is taken over", async () => {
  const element = show({ engine, subject: "ada" }, h(Can, { ...read, fallback: "no" }, h("b", null, "yes")));
  await act(() => root.unmount());
  page.innerHTML = renderToString(element);
  const rendered = page.querySelector("b");
  assert.ok(rendered);
  const problems = [];
  root = await act(() => hydrateRoot(page, element, { onRecoverableError: (error) => problems.push(error) }));
  assert.deepEqual([page.querySelector("b"), problems.length], [rendered, 0]);
});

test("what fails is shown to nobody, and goes to the nearest boundary of errors", async (context) => {
  context.mock.method(console, "error", () => {});
  class Boundary extends Component {
    state = {};
    static getDerivedStateFromError = (error) => ({ error });
    render() {
      return this.state.error === undefined ? this.props.children : `failed: ${this.state.error.code ?? this.state.error.message}`;
    }
  }
  const freed = await Engine.open(snapshot(), { keys: [KEY] });
  freed.free();
  await render(h(Boundary, { key: 1 }, show({ engine: freed, subject: "ada" }, h(Can, read, "yes"))));
  assert.equal(text(), "failed: engine.freed");
  await render(h(Boundary, { key: 2 }, show({ engine, subject: "ada" }, h(Can, { ...read, action: 7 }, "yes"))));
  assert.match(text(), /^failed: /);
  await render(h(Boundary, { key: 3 }, h(Can, read, "yes")));
  assert.equal(text(), "failed: useCan needs an <AccessProvider> around it");
});
