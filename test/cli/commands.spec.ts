import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Command } from 'commander';
import { decodeJwt } from 'jose';
import { addToken } from '../../src/cli/commands/token.js';
import { openEmbeddedEventStore } from '../../src/event-store/embedded/embedded-event-store.js';
import { chain } from '../../src/eventsourcing/hash-chain.js';
import type { Metadata } from '../../src/eventsourcing/events.js';
import { runCli } from '../e2e/support/cli.js';
import { connectAs, secret, temporaryServers, tokens, type ServerProcess } from '../e2e/support/server.js';

describe('convoke token', () => {
  it('prints one line, a token of what was asked for', async () => {
    const args = ['--user', 'alice', '--trait', 'admin', '--trait', 'x', '--zone', 'Europe/Paris', '--ttl', '2h'];
    const more = ['--world', 'w', '--name', 'Alice', '--email', 'a@example.org'];
    const { code, stdout, stderr } = await runCli(['token', ...args, ...more], { AUTH_SECRET: secret });
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    const session = await tokens.verify(stdout.trim(), 'w');
    expect(session).toMatchObject({
      userId: 'alice',
      world: 'w',
      traits: ['admin', 'x'],
      zoneinfo: 'Europe/Paris',
      profile: { display_name: 'Alice' },
      email: 'a@example.org',
    });
    const { exp = 0, iat = 0 } = decodeJwt(stdout.trim());
    expect(exp - iat).toBe(7_200);
  });

  const refused: readonly [string, readonly string[]][] = [
    ['--user', ['--user', '123']],
    ['--zone', ['--user', 'a', '--zone', 'Mars/X']],
    ['--ttl', ['--user', 'a', '--ttl', 'soon']],
    ['--world', ['--user', 'a', '--world', 'a/b']],
    ['--email', ['--user', 'a', '--email', 'a']],
    ['--user', []],
    ['--bogus', ['--user', 'a', '--bogus']],
  ];

  it.each(refused)('refuses a bad %s by its name (%j)', async (name, args) => {
    let said = '';
    const program = new Command().exitOverride().configureOutput({ writeErr: (text) => (said += text) });
    addToken(program);
    await expect(program.parseAsync(['token', ...args], { from: 'user' })).rejects.toThrow(name);
    expect(said).toMatch(/^error: [^\n]+\n$/);
  });

  it('ends with code 2 when it is used wrongly', async () => {
    const { code, stdout, stderr } = await runCli(['token', '--user', '123'], { AUTH_SECRET: secret });
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('--user');
  });

  it('names a variable that cannot be used', async () => {
    const { code, stderr } = await runCli(['token', '--user', 'a'], { AUTH_SECRET: 'short' });
    expect([code, stderr]).toEqual([1, 'convoke: AUTH_SECRET must be a text of at least 32 bytes\n']);
  });
});

describe('convoke on a data folder', () => {
  let place: Awaited<ReturnType<typeof temporaryServers>>;
  let server: ServerProcess;
  let env: Record<string, string>;

  beforeAll(async () => {
    place = await temporaryServers();
    env = { DATA_DIR: place.dataDir };
    server = await place.start();
    const client = await connectAs(server, 'admin', ['admin']);
    await client.call('room.create', { name: 'One' });
    await client.close();
  });

  afterAll(() => place.remove());

  it('verifies the log beside the running server, and leaves the rest to a stopped one', async () => {
    const verified = await runCli(['log', 'verify', '--data-dir', place.dataDir]);
    expect(verified).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^5 events in 4 streams, head at position 4/),
    });
    const list = await runCli(['projections', 'list'], env);
    expect(list).toMatchObject({ code: 1, stdout: '' });
    expect(list.stderr).toMatch(/^convoke: .* already open for writing by process \d+\n$/);
  });

  it('rebuilds a read model of the stopped server', async () => {
    await server.stop();
    const rebuilt = await runCli(['projections', 'rebuild', 'room_list'], env);
    expect(rebuilt).toMatchObject({
      code: 0,
      stdout: 'room_list is rebuilt up to position 4 and read from room_list_v2\n',
    });
    const list = await runCli(['projections', 'list'], env);
    expect(list.stdout).toMatch(/room_config +room_config_v1 +4 +4 +0\n.*room_list +room_list_v2 +4 +4 +0\n/);
    const unknown = await runCli(['projections', 'rebuild', 'nope'], env);
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('there is no read model nope') });
  });

  it('names the position of an event that breaks its chain', async () => {
    const log = await openEmbeddedEventStore({ dir: join(place.dataDir, 'log') });
    const metadata: Metadata = {
      commandId: 'c',
      action: 'a',
      correlationId: 'c',
      causationId: 'c',
      actorId: 'a',
      world: 'demo',
      schema: 1,
      at: '2030-01-01T00:00:00.000Z',
    };
    const events = ['one', 'two'].map((id) => ({ id, type: 'Something', data: {}, metadata }));
    const [first, second] = chain('', events);
    if (!first || !second) throw new Error('two events were chained');
    await log.append('forged', 'no_stream', [first, { ...second, data: { changed: true } }]);
    await log.close();
    const { code, stdout, stderr } = await runCli(['log', 'verify'], env);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('7 events in 5 streams, head at position 6; 1 problem:');
    expect(stderr).toContain('position 6, stream forged: its hash does not fit its content');
  });

  it('says that there is no log', async () => {
    const empty = await mkdtemp(join(tmpdir(), 'convoke-empty-'));
    const verify = await runCli(['log', 'verify', '--data-dir', empty]);
    const list = await runCli(['projections', 'list'], { DATA_DIR: empty });
    await rm(empty, { recursive: true, force: true });
    for (const { code, stderr } of [verify, list]) {
      expect([code, stderr]).toEqual([1, expect.stringMatching(/^convoke: there is no event log in .*\n$/)]);
    }
  });
});
