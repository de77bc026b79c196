import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openEmbeddedEventStore } from '../../src/event-store/embedded/embedded-event-store.js';
import type { EventStore } from '../../src/event-store/event-store.js';
import type { RecordedEvent } from '../../src/eventsourcing/events.js';
import { chain } from '../../src/eventsourcing/hash-chain.js';
import { runCli } from '../e2e/support/cli.js';
import { collect, someEvent } from '../contract/event-store-helpers.js';
import { serveLog, urlTo, type ServedLog } from '../contract/eventstoredb.js';

const streams = 20;
/** Events of one stream that follow each other. */
const inARow = 5;

describe('convoke migrate', () => {
  let dataDir: string;
  let served: ServedLog;

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'convoke-migrate-'));
    served = await serveLog();
  });

  afterEach(async () => {
    await served.close();
    await rm(dataDir, { recursive: true });
  });

  /** Fills the embedded log with chained events, streams taking turns. */
  async function fill(count: number): Promise<void> {
    const log = await openEmbeddedEventStore({ dir: join(dataDir, 'log') });
    const hashes = new Map<string, string>();
    const appends: Promise<unknown>[] = [];
    for (let n = 0; n < count; n += inARow) {
      const turn = n / inARow;
      const stream = `room-${turn % streams}`;
      const events = Array.from({ length: inARow }, (_one, i) =>
        someEvent('Happened', { n: n + i, text: 'ünïcode ☃' }),
      );
      const made = chain(hashes.get(stream) ?? '', events);
      hashes.set(stream, made.at(-1)?.metadata.hash ?? '');
      const before = BigInt(Math.floor(turn / streams) * inARow - 1);
      appends.push(log.append(stream, before < 0n ? 'no_stream' : before, made));
      if (turn % streams === streams - 1) await Promise.all(appends.splice(0));
    }
    await Promise.all(appends);
    await log.append('reactions-1', 'any', [someEvent('Reacted')]);
    await log.close();
  }

  const withoutPosition = (events: readonly RecordedEvent[]) =>
    events.map(({ position: _position, ...event }) => event);

  async function expectCopied(count: number): Promise<void> {
    const log = await openEmbeddedEventStore({ dir: join(dataDir, 'log'), readOnly: true });
    const source = await collect(log.readAll());
    await log.close();
    const kept = source.filter(({ stream }) => stream !== 'reactions-1');
    expect(kept).toHaveLength(count);
    expect(withoutPosition(await collect(served.log.readAll()))).toEqual(withoutPosition(kept));
  }

  const migrate = () => runCli(['migrate', '--to', urlTo(served.port), '--data-dir', dataDir]);

  it('moves 10,000 events over the protocol, killed on the way and resumed, with equal hashes', async () => {
    await fill(10_000);
    const args = [resolve('dist/src/cli/main.js'), 'migrate', '--to', urlTo(served.port), '--data-dir', dataDir];
    const child = spawn(process.execPath, args, { stdio: 'ignore' });
    const ended = once(child, 'close');
    for await (const message of served.log.subscribeToAll()) {
      if (message.type === 'events' && (message.events.at(-1)?.position ?? 0n) > 3_000n) break;
    }
    child.kill('SIGKILL');
    await ended;
    const before = await served.log.head();
    expect(before).toBeLessThan(9_999n);
    const { code, stdout, stderr } = await migrate();
    expect([code, stderr]).toEqual([0, expect.stringContaining('Verifying')]);
    expect(stdout).toContain(
      `${(9_999 - Number(before)).toLocaleString('en')} events copied, 10,000 events in both logs, with the same hash `,
    );
    expect(stdout).toContain('1 stream left behind:\n  reactions-1: write-only, without a hash chain\n');
    await expectCopied(10_000);
    // Once more changes nothing.
    expect((await migrate()).stdout).toContain('0 events copied, 10,000 events in both logs');
    // The auditor's commands read the copy where it is.
    const audit = await runCli(['audit', 'verify'], { EVENTSTORE_URL: urlTo(served.port), DATA_DIR: dataDir });
    expect(audit).toMatchObject({ code: 0, stdout: expect.stringContaining('10,000 events') });
  });

  it('refuses a target that holds other events, and changes nothing there', async () => {
    await fill(200);
    await served.log.append('room-1', 'no_stream', [someEvent('Foreign')]);
    const { code, stderr } = await migrate();
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/^convoke: the target holds other events, .* Foreign .*\n$/),
    ]);
    expect(await served.log.head()).toBe(0n);
  });

  it('finds a copy that was altered', async () => {
    await fill(200);
    await migrate();
    const [first, ...rest] = await collect(served.log.readAll());
    const altered = await serveLog();
    try {
      await replay(altered.log, [{ ...(first as RecordedEvent), data: { n: 0, text: 'other' } }, ...rest]);
      const { code, stderr } = await runCli(['migrate', '--to', urlTo(altered.port), '--data-dir', dataDir]);
      expect([code, stderr]).toEqual([1, expect.stringContaining('Happened at revision 0 of room-0')]);
    } finally {
      await altered.close();
    }
  });

  it('refuses a log that a server is using, and a URL that is none', async () => {
    const log = await openEmbeddedEventStore({ dir: join(dataDir, 'log') });
    expect(await migrate()).toMatchObject({ code: 1, stderr: expect.stringContaining('already open for writing') });
    await log.close();
    const { code, stderr } = await runCli(['migrate', '--to', 'http://localhost', '--data-dir', dataDir]);
    expect([code, stderr]).toEqual([
      2,
      'convoke: --to must be an esdb:// or esdb+discover:// URL with options of the client\n',
    ]);
  });
});

async function replay(log: EventStore, events: readonly RecordedEvent[]): Promise<void> {
  for (const { stream, revision, id, type, data, metadata } of events) {
    await log.append(stream, revision === 0n ? 'no_stream' : revision - 1n, [{ id, type, data, metadata }]);
  }
}
