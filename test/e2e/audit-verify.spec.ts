import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Command } from 'commander';
import { compactVerify, importJWK, type JWK } from 'jose';
import { addAudit } from '../../src/cli/commands/audit.js';
import { openEmbeddedEventStore } from '../../src/event-store/embedded/embedded-event-store.js';
import { chain } from '../../src/eventsourcing/hash-chain.js';
import { auditedServer, type AuditedServer } from './audited-server.js';
import { runCli } from './support/cli.js';
import { temporaryServers } from './support/server.js';

let place: AuditedServer;
let ask: AuditedServer['ask'];

beforeAll(async () => {
  place = await auditedServer();
  ({ ask } = place);
});

afterAll(() => place.remove());

describe('verifying', () => {
  it('answers with heads signed by the key it shows', async () => {
    const { body } = await ask('verify');
    const key: JWK = JSON.parse((await ask('key')).text);
    const { payload, protectedHeader } = await compactVerify(body.heads ?? '', await importJWK(key, 'EdDSA'));
    expect(protectedHeader).toEqual({ alg: 'EdDSA', kid: key.kid, typ: 'convoke-heads+jws' });
    expect(JSON.parse(Buffer.from(payload).toString())).toMatchObject({
      world: 'demo',
      events: place.inDemo.length,
      heads: expect.arrayContaining([
        { stream: 'world-demo', revision: '0', hash: expect.stringMatching(/^[0-9a-f]{64}$/) },
      ]),
    });
    expect((await runCli(['audit', 'key', '--data-dir', place.dataDir])).stdout).toBe(`${JSON.stringify(key)}\n`);
  });

  it('works on the command line beside the running server, with files of either', async () => {
    const file = (name: string): string => join(place.dataDir, name);
    const folder = ['--data-dir', place.dataDir];
    await writeFile(file('heads.jws'), (await ask('verify')).body.heads ?? '');
    await writeFile(file('key.json'), (await ask('key')).text);
    await writeFile(file('demo.ndjson'), (await ask('events?format=ndjson')).text);
    const known = ['--heads', file('heads.jws'), '--key', file('key.json')];
    const { size } = new Set(place.inDemo.map(({ stream }) => stream));
    const intact = new RegExp(`every hash chain is intact; all ${size} heads signed at .* are there\n$`);
    const log = await runCli(['audit', 'verify', ...known, ...folder]);
    expect(log).toEqual({ code: 0, stdout: expect.stringMatching(intact), stderr: '' });
    const alone = await runCli(['audit', 'verify', '--file', file('demo.ndjson'), ...known]);
    expect(alone).toEqual({ code: 0, stdout: expect.stringMatching(intact), stderr: '' });

    const out = await runCli(['audit', 'export', '--world', 'demo', '--out', file('again.ndjson'), ...folder]);
    expect(out).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(await readFile(file('again.ndjson'), 'utf8')).toBe(await readFile(file('demo.ndjson'), 'utf8'));
    await writeFile(file('again.ndjson'), (await readFile(file('again.ndjson'), 'utf8')).replace('Opening', 'Closing'));
    const changed = await runCli(['audit', 'verify', '--file', file('again.ndjson')]);
    expect(changed).toMatchObject({ code: 1, stdout: '' });
    expect(changed.stderr).toMatch(/line \d+, event [\w-]+: it is not as it was exported\n$/);
  });

  it('finds a log that was written anew, by heads signed before', async () => {
    const heads = join(place.dataDir, 'before.jws');
    const signed = await runCli(['audit', 'verify', '--sign', heads, '--data-dir', place.dataDir]);
    expect(signed).toMatchObject({ code: 0, stderr: '' });
    const forged = await temporaryServers();
    const log = await openEmbeddedEventStore({ dir: join(forged.dataDir, 'log') });
    const hashes = new Map<string, string>();
    for (const event of place.stored) {
      const { stream, revision, position: _position, ...before } = event;
      const data = event.type === 'RoomScheduleChanged' ? { ...event.data, schedule_data: null } : event.data;
      const [next] = chain(hashes.get(stream) ?? '', [{ ...before, data }]);
      if (!next) throw new Error('one event was chained');
      await log.append(stream, revision === 0n ? 'no_stream' : revision - 1n, [next]);
      hashes.set(stream, next.metadata.hash ?? '');
    }
    await log.close();
    const key = join(place.dataDir, 'key.json');
    await writeFile(key, (await ask('key')).text);
    const folder = ['--data-dir', forged.dataDir];
    expect(await runCli(['audit', 'verify', ...folder])).toMatchObject({ code: 0 });
    const found = await runCli(['audit', 'verify', '--heads', heads, '--key', key, ...folder]);
    expect(found).toMatchObject({ code: 1, stdout: '' });
    expect(found.stderr).toContain('its hash is not the one of the signed head');
    const foreign = await runCli(['audit', 'verify', '--heads', heads, ...folder]);
    expect(foreign).toMatchObject({ code: 1, stderr: expect.stringContaining('not signed with this key') });
    await forged.remove();
  });

  it('prints states, and tells a wrong use by its exit code', async () => {
    const env = { DATA_DIR: place.dataDir };
    const state = await runCli(['audit', 'replay', 'room', place.rooms['demo'] ?? ''], env);
    expect([state.code, JSON.parse(state.stdout)]).toEqual([0, (await ask(`state/room/${place.rooms['demo']}`)).body]);
    expect(await runCli(['audit', 'replay', 'world', 'nowhere'], env)).toMatchObject({ code: 1, stdout: '' });
    expect(await runCli(['audit', 'export', '--since', '2026'], env)).toMatchObject({ code: 2, stdout: '' });
  });

  it.each([
    [['replay', 'nothing', 'x'], 'there is no kind nothing'],
    [['replay', 'world', 'demo', '--at', 'soon'], 'a position is written as it was given out'],
    [['export', '--after', 'x.1'], 'the position is of another log'],
    [['export', '--format', 'xml'], 'Allowed choices are cloudevents, raw'],
    [['export', '--until', '2026-02-30T00:00:00Z'], 'A time has an offset'],
    [['verify', '--partial'], '--partial is for --file'],
    [['verify', '--key', 'x'], '--key is for --heads'],
    [['verify', '--file', 'x', '--sign', 'y'], 'cannot be used with'],
    [['verify', '--heads', 'absent'], 'absent cannot be read: ENOENT'],
    [['verify', '--file', 'absent'], 'absent cannot be read: ENOENT'],
  ])('does not take %j', async (args, message) => {
    const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
    addAudit(program);
    const given = ['audit', ...args, '--data-dir', place.dataDir];
    await expect(program.parseAsync(given, { from: 'user' })).rejects.toThrow(message);
  });
});
