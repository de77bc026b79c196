import { rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { append } from './append.js';
import { commands } from './commands.js';
import { eventstoredb } from './eventstoredb.js';
import { fanout } from './fanout.js';
import { memory } from './memory.js';
import { reactions } from './reactions.js';
import { ready } from './ready.js';
import { replay } from './replay.js';
import { slots } from './slots.js';
import { table, type Part, type Row, type Skipped } from './report.js';

const parts: Readonly<Record<string, Part>> = {
  append,
  eventstoredb,
  commands,
  fanout,
  reactions,
  replay,
  slots,
  ready,
  memory,
};

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false }, only: { type: 'string' } } });
const names = values.only?.split(',') ?? Object.keys(parts);
const unknown = names.filter((name) => !parts[name]);
if (unknown.length > 0) throw new Error(`--only takes ${Object.keys(parts).join(', ')}; not ${unknown.join(', ')}`);

const folders: string[] = [];
const folder = async (): Promise<string> => {
  const made = await mkdtemp(join(tmpdir(), 'convoke-bench-'));
  folders.push(made);
  return made;
};
process.on('exit', () => {
  for (const made of folders) rmSync(made, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const results: Record<string, readonly (Row | Skipped)[]> = {};
const started = performance.now();
for (const name of names) {
  const part = parts[name];
  if (!part) continue;
  const rows = await part({ quick: values.quick, folder });
  results[name] = rows;
  console.log(`\n${name}`);
  console.log(table(rows.filter((one) => 'figure' in one)));
  for (const one of rows) if ('skipped' in one) console.log(`not run: ${one.skipped} (${one.reason})`);
}

const machine = {
  node: process.version,
  platform: `${process.platform} ${process.arch}`,
  cpus: cpus().length,
  model: cpus()[0]?.model,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
};
const run = {
  at: new Date().toISOString(),
  quick: values.quick,
  seconds: Math.round((performance.now() - started) / 1000),
};
await writeFile(
  fileURLToPath(new URL('./results.json', import.meta.url)),
  `${JSON.stringify({ run, machine, results }, undefined, 2)}\n`,
);
console.log(`\n${run.seconds} s; all rounds are in bench/results.json`);
