// What `parapet import casbin` makes of a policy decides as Casbin does, for every subject, object and action of random policies.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { StringAdapter, newEnforcer, newModelFromString } from "casbin";

const { Engine, compileSnapshot } = await import(String(new URL("../../wasm/pkg/full/node.js", import.meta.url)));
const PROGRAM = fileURLToPath(new URL("../../target/debug/parapet", import.meta.url));
const KEY = { id: "k", hmac: "07".repeat(32) };
const SEED = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const POLICIES = 25;

const model = (/** @type {boolean} */ roles, /** @type {boolean} */ denies) => `
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act, eft
${roles ? "[role_definition]\ng = _, _" : ""}
[policy_effect]
e = some(where (p.eft == allow))${denies ? " && !some(where (p.eft == deny))" : ""}
[matchers]
m = ${roles ? "g(r.sub, p.sub)" : "r.sub == p.sub"} && r.obj == p.obj && r.act == p.act
`;

let state = SEED;
const below = (/** @type {number} */ end) => {
  state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
  return (state >> 8) % end;
};
const one = (/** @type {string[]} */ list) => list[below(list.length)];

const USERS = ["alice", "bob", "carol", "Dave"];
const ROLES = ["admin", "editor", "reader", "staff"];
const OBJECTS = ["data1", "data2", "a/b c", "ä"];
const ACTIONS = ["read", "write", "share.once"];

test(`${POLICIES} random policies decide alike (SEED=${SEED})`, async () => {
  const folder = await mkdtemp(join(tmpdir(), "parapet-import-"));
  try {
    let allowed = 0;
    let denied = 0;
    for (let turn = 0; turn < POLICIES; turn += 1) {
      const roles = below(4) > 0;
      const denies = below(2) > 0;
      const lines = new Set();
      for (let left = 2 + below(14); left > 0; left -= 1) {
        const effect = denies ? one(["allow", "allow", "deny"]) : "allow";
        lines.add(`p, ${one(roles ? [...USERS, ...ROLES] : USERS)}, ${one(OBJECTS)}, ${one(ACTIONS)}, ${effect}`);
      }
      // Who has a role, and roles within roles, in one direction.
      if (roles) for (const [at, role] of ROLES.entries()) {
        for (const user of USERS) if (below(3) === 0) lines.add(`g, ${user}, ${role}`);
        if (at > 0 && below(2) === 0) lines.add(`g, ${ROLES[at - 1]}, ${role}`);
      }
      const policy = [...lines].join("\n");
      await writeFile(join(folder, "model.conf"), model(roles, denies));
      await writeFile(join(folder, "policy.csv"), policy);
      const args = ["import", "casbin", join(folder, "model.conf"), join(folder, "policy.csv"), "--slug", "acme", "--email-domain", "acme.example", "--json"];
      const { stdout, stderr, status } = spawnSync(PROGRAM, args, { encoding: "utf8" });
      assert.equal(status, 0, `${stdout}${stderr}${policy}`);
      const { document, left } = JSON.parse(stdout);
      assert.deepEqual(left, []);
      const engine = await Engine.open(compileSnapshot(document, { version: 1, created: new Date(), key: KEY }), { keys: [KEY] });
      const enforcer = await newEnforcer(newModelFromString(model(roles, denies)), new StringAdapter(policy));
      for (const subject of USERS) for (const object of OBJECTS) for (const action of ACTIONS) {
        const ours = engine.check(subject, action, "object", object);
        assert.equal(ours, enforcer.enforceSync(subject, object, action), `${subject} ${action} ${object}\n${policy}`);
        if (ours) allowed += 1;
        else denied += 1;
      }
      engine.free();
    }
    assert.ok(allowed > 100 && denied > 100, `${allowed} allowed, ${denied} denied`);
  } finally {
    await rm(folder, { recursive: true });
  }
});
