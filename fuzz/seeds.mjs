// Writes what fuzzing begins with: snapshots compiled from fixtures into `seeds/`, for the targets are built with them, and
// the first inputs of each target into `corpus/`. Made anew each time: a snapshot of yesterday's format finds nothing.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const here = import.meta.dirname;
const fixtures = join(here, '..', 'fixtures');
const program = join(here, '..', 'target', 'debug', 'parapet');
// That of `src/seed.rs`.
const env = { ...process.env, PARAPET_SNAPSHOT_KEY: '00'.repeat(32), PARAPET_SNAPSHOT_KEY_ID: 'k1' };

const list = readFileSync(join(here, 'src', 'seed.rs'), 'utf8').match(/snapshots! \{([^}]*)\}/)[1];
const names = [...list.matchAll(/"(\w+)"/g)].map(([, name]) => name);

rmSync(join(here, 'seeds'), { recursive: true, force: true });
for (const folder of ['seeds', 'corpus/snapshot', 'corpus/content', 'corpus/request']) {
  mkdirSync(join(here, folder), { recursive: true });
}

for (const [position, name] of names.entries()) {
  const snapshot = join(here, 'seeds', name);
  const document = join(fixtures, name, 'tenant.json');
  execFileSync(program, ['compile', document, '--output', snapshot, '--created', '2026-01-01T00:00:00Z'], { env });
  writeFileSync(join(here, 'corpus/snapshot', name), readFileSync(snapshot));
  // The snapshot unchanged, and with one word of each section moved by one.
  writeFileSync(join(here, 'corpus/content', name), Uint8Array.of(position));
  for (let section = 0; section < 22; section += 1) {
    const change = [section, 1, 1 + section, 0, 0, 0, 1, 0, 0, 0, 0];
    writeFileSync(join(here, 'corpus/content', `${name}-${section}`), Uint8Array.of(position, ...change));
  }
}

// Requests of the tenants that the target decides for, each as an evaluation, a batch and a search.
const words = new Set(['options', 'evaluations', 'evaluations_semantic', 'page', 'token', 'limit', 'properties', 'type', 'id']);
for (const name of ['saas', 'hospital']) {
  const { requests } = JSON.parse(readFileSync(join(fixtures, name, 'requests.json'), 'utf8'));
  for (const [position, { request }] of requests.entries()) {
    const of = (kind, body) => writeFileSync(join(here, 'corpus/request', `${name}-${position}-${kind}`), JSON.stringify(body));
    of('one', request);
    if (position % 8 === 0) {
      of('batch', { ...request, evaluations: [{}, { action: { name: 'read' } }], options: { evaluations_semantic: 'deny_on_first_deny' } });
      of('page', { ...request, page: { limit: 2 } });
    }
    JSON.stringify(request, (key, value) => {
      words.add(key);
      if (typeof value === 'string') words.add(value);
      return value;
    });
  }
}
const quoted = [...words].filter((word) => /^[\x20-\x7e]+$/.test(word)).map((word) => JSON.stringify(word).replaceAll('\\', '\\\\'));
writeFileSync(join(here, 'seeds/request.dict'), quoted.map((word) => `"\\"${word.slice(1, -1)}\\""\n`).join(''));
// The numbers that mean something in records.
for (const reader of ['snapshot', 'content']) {
  writeFileSync(join(here, 'seeds', `${reader}.dict`), '"\\xff\\xff\\xff\\xff"\n"\\x00\\x00\\x00\\x80"\n"\\xff\\xff\\xff\\x7f"\n');
}
