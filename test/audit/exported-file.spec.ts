import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import canonicalize from 'canonicalize';
import { CloudEvent as Standard } from 'cloudevents';
import fc from 'fast-check';
import { toAuditEvent } from '../../src/audit/audit-event.js';
import { verifyChain, type ChainReport } from '../../src/audit/verify-chain.js';
import { exportedEvents } from '../../src/cli/audit/exported-file.js';
import { exportLog } from '../../src/cli/audit/export.js';
import { collect } from '../contract/event-store-helpers.js';
import { emptyLog, fillLog, type TestLog } from './logs.js';

const total = 10_000;

let log: TestLog;
let whole: Buffer;
let file: string;

beforeAll(async () => {
  log = await emptyLog();
  await fillLog(log.store, 200, total / 200);
  whole = Buffer.from((await collect(await exportLog(log.store, { format: 'cloudevents', onProgress }))).join(''));
  file = join(log.dir, 'export.ndjson');
});

afterAll(() => log.remove());

const onProgress = (): void => undefined;

async function verifyFile(bytes: Buffer | string, partial = false): Promise<ChainReport> {
  await writeFile(file, bytes);
  return verifyChain(exportedEvents(file), { partial });
}

it('an export can be verified alone', async () => {
  expect(await verifyFile(whole)).toMatchObject({ ok: true, events: total, streams: 200 });
});

it('a changed byte is found wherever it is, and its line named', async () => {
  const at = fc.nat(whole.length - 1);
  await fc.assert(
    fc.asyncProperty(at, fc.integer({ min: 1, max: 255 }), async (index, mask) => {
      const bytes = Buffer.from(whole);
      bytes[index] = (bytes[index] ?? 0) ^ mask;
      const { ok, problem } = await verifyFile(bytes);
      const line = whole.subarray(0, index).toString('latin1').split('\n').length;
      expect({ ok, problem }).toMatchObject({ ok: false, problem: { line } });
    }),
    { numRuns: 10, seed: 20_261_121 },
  );
});

it('every single byte of a small export counts, whatever it becomes', async () => {
  const lines = whole.toString('latin1').split('\n').slice(0, 2);
  const small = Buffer.from(`${lines.join('\n')}\n`, 'latin1');
  for (let index = 0; index < small.length; index += 1) {
    const bytes = Buffer.from(small);
    // 0x20 changes the case of a letter, as in an escaped character; 1 and 0x81 the rest.
    const mask = [0x20, 1, 0x81][index % 3] ?? 1;
    bytes[index] = (bytes[index] ?? 0) ^ mask;
    const { ok } = await verifyFile(bytes);
    expect([index, ok]).toEqual([index, false]);
  }
});

it('an edit that brings its digest along breaks the chain', async () => {
  const [event] = await collect(log.store.readAll({ after: 4_999n, limit: 1 }));
  if (!event) throw new Error('there is such an event');
  const edited = JSON.stringify(toAuditEvent({ ...event, data: { number: 1 } }, log.store.epoch));
  const line = JSON.stringify(toAuditEvent(event, log.store.epoch));
  const { problem } = await verifyFile(whole.toString().replace(line, edited));
  const { id, stream, revision, position } = event;
  expect(problem).toEqual({ id, stream, revision, position, reason: 'its hash does not fit its content' });
});

it('what is missing is found, unless the file is said to be a selection', async () => {
  const lines = whole.toString().split('\n').slice(0, -1);
  const selection = `${lines.filter((_line, index) => index % 3 !== 1).join('\n')}\n`;
  expect((await verifyFile(selection)).problem).toMatchObject({
    reason: expect.stringMatching(/^(revision|the stream)/),
  });
  expect(await verifyFile(selection, true)).toMatchObject({ ok: true });
  expect((await verifyFile(whole.subarray(0, -1))).problem).toEqual({
    line: total,
    id: JSON.parse(lines.at(-1) ?? '').id,
    reason: 'it does not end with a line break',
  });
});

it('lines of two logs are not taken for one', async () => {
  const other = await emptyLog();
  await fillLog(other.store, 2, 5);
  const more = await collect(await exportLog(other.store, { format: 'cloudevents', onProgress }));
  await other.remove();
  const { problem } = await verifyFile(whole.toString() + more.join(''));
  expect(problem).toMatchObject({ line: total + 1, reason: 'it is of another log than the lines before' });
});

it('a line is a CloudEvent by the standard’s own library, and has all its hash is made of', async () => {
  const [first = '', second = ''] = whole
    .toString()
    .split('\n')
    .filter((line) => line.includes('"subject":"hall-7"'));
  for (const line of [first, second]) {
    const given = JSON.parse(line);
    expect(new Standard(given, true).toJSON()).toEqual(given);
  }
  const { id, type, data, time, prevhash, hash, schema, world, ...rest } = JSON.parse(second);
  const metadata = {
    commandId: rest.commandid,
    action: rest.action,
    correlationId: rest.correlationid,
    causationId: rest.causationid,
    actorId: rest.actorid,
    world,
    schema,
    at: time,
  };
  expect(prevhash).toBe(JSON.parse(first).hash);
  expect(JSON.parse(first)).not.toHaveProperty('prevhash');
  const text = prevhash + canonicalize({ id, type, data, metadata });
  expect(createHash('sha256').update(text).digest('hex')).toBe(hash);
});

it('a selection is what was asked for, and the raw format what is stored', async () => {
  const selection = {
    world: 'other',
    types: ['HallOpened'],
    actor: 'alice',
    since: '2026-01-01T00:00:06.000Z',
    until: '2026-01-01T00:00:18.000Z',
  };
  const text = (await collect(await exportLog(log.store, { ...selection, format: 'raw', onProgress }))).join('');
  const made = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(made).toHaveLength(100 * 2);
  const all = await collect(log.store.readAll());
  expect(made).toEqual(
    all
      .filter(({ metadata, data }) => metadata.world === 'other' && (data['number'] === 6 || data['number'] === 12))
      .map((event) => ({ ...event, revision: String(event.revision), position: String(event.position) })),
  );
});
