// A cold start: `node cold.mjs <engine>` prints the milliseconds from nothing loaded to a first decision at 100 grants.
import { engines, load } from "./engines.mjs";
import { tenant, trace } from "./tenant.mjs";

const [engine] = engines.filter(({ name }) => name === process.argv[2]);
const { trace: [asked], expected } = trace(100);
const start = performance.now();
const peer = await load(engine, tenant(100));
const answer = peer.allows(asked);
const milliseconds = performance.now() - start;
if (answer !== expected[0]) throw new Error(`${engine.name} does not agree`);
console.log(milliseconds);
