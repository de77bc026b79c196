import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openEmbeddedEventStore } from '../../src/event-store/embedded/embedded-event-store.js';
import { verifyLog } from '../../src/event-store/embedded/verify-log.js';
import { collect, idsOf } from '../contract/event-store-helpers.js';
import { Child, compileStore } from '../event-store/child.js';

let compiled: Awaited<ReturnType<typeof compileStore>>;
let dir: string;

beforeAll(async () => {
  compiled = await compileStore();
  dir = await mkdtemp(join(tmpdir(), 'scavenged-'));
});

afterAll(async () => {
  await rm(compiled.dir, { recursive: true });
  await rm(dir, { recursive: true });
});

const old = 3_000;
const young = 50;

/** Fills a log, then scavenges it and appends beside that, and ends as by a power cut after so many turns. */
const scavengeUntil = (folder: string, turns: number): string => `
  const { openEmbeddedEventStore } = await import(${JSON.stringify(compiled.url('embedded/embedded-event-store.js'))});
  const store = await openEmbeddedEventStore({ dir: ${JSON.stringify(folder)} });
  const event = (id, at) => ({ id, type: 'ReactionAdded', data: {}, metadata: { at: new Date(at).toISOString() } });
  const some = (name, count, at) => Array.from({ length: count }, (_, n) => event(name + '-' + n, at));
  await store.retain('reactions-1', { maxAgeSeconds: 3600 });
  await store.append('reactions-1', 'any', some('old', ${old}, 0));
  await store.append('reactions-1', 'any', some('young', ${young}, Date.now()));
  console.log('filled');
  void store.scavenge();
  let last = Promise.resolve();
  for (let turn = 1; ; turn++) {
    if (turn === ${turns}) process.kill(process.pid, 'SIGKILL');
    if (turn % 10 === 0) await store.append('room-1', 'any', some('room-' + turn, 1, 0));
    await new Promise((resolve) => setImmediate(resolve));
  }
`;

describe('a process killed while it scavenges', () => {
  it.each([2, 12, 60])('after %i turns leaves a log in order, to be scavenged on', async (turns) => {
    const folder = join(dir, String(turns));
    const child = new Child(scavengeUntil(folder, turns));
    expect(await child.line()).toBe('filled');
    expect(await child.exited).toMatchObject({ signal: 'SIGKILL' });
    const store = await openEmbeddedEventStore({ dir: folder });
    const left = await collect(store.readStream('reactions-1'));
    const gone = old + young - left.length;
    expect(left.every(({ id, revision }, n) => revision === BigInt(gone + n) && !id.startsWith('room'))).toBe(true);
    expect(idsOf(left).filter((id) => id.startsWith('young'))).toHaveLength(young);
    expect(await store.scavenge()).toBe(old - gone);
    expect(await collect(store.readStream('reactions-1'))).toHaveLength(young);
    await store.close();
    expect((await verifyLog(folder)).problems).toEqual([]);
  });
});
