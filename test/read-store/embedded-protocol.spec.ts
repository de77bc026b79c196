import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';
import { deserialize, serialize } from 'bson';
import type { Document } from 'mongodb';
import { connectReadStore } from '../../src/read-store/connect.js';
import type { ReadStore } from '../../src/read-store/read-store.js';
import { temporaryFolder } from './folder.js';

function message(opCode: number, parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const header = Buffer.alloc(16);
  header.writeInt32LE(16 + body.length, 0);
  header.writeInt32LE(77, 4);
  header.writeInt32LE(opCode, 12);
  return Buffer.concat([header, body]);
}
const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
};

const body = (reply: Buffer | undefined, at: number): Document => {
  expect(reply?.readInt32LE(8)).toBe(77);
  return deserialize(reply?.subarray(at) ?? Buffer.alloc(0));
};

describe('the embedded read store on the wire', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let store: ReadStore;
  beforeAll(async () => {
    folder = await temporaryFolder();
    store = await connectReadStore({ dir: folder.path, port: 0 });
  });
  afterAll(async () => {
    await store.close();
    await folder.remove();
  });

  /** Sends bytes in pieces and returns the first reply, `undefined` when the server hangs up instead. */
  async function exchange(bytes: Buffer, piece = bytes.length): Promise<Buffer | undefined> {
    const socket = connectSocket(Number(new URL(store.url).port), '127.0.0.1');
    await once(socket, 'connect');
    socket.setNoDelay(true);
    for (let at = 0; at < bytes.length; at += piece) socket.write(bytes.subarray(at, at + piece));
    let received = Buffer.alloc(0);
    for await (const chunk of socket) {
      received = Buffer.concat([received, chunk as Buffer]);
      if (received.length >= 4 && received.length >= received.readInt32LE()) {
        socket.destroy();
        return received;
      }
    }
    return undefined;
  }
  const ping = serialize({ ping: 1, $db: 'admin' });

  it('answers the opening hello as OP_QUERY', async () => {
    const query = message(2004, [
      int32(0),
      Buffer.from('admin.$cmd\0'),
      int32(0),
      int32(-1),
      serialize({ ismaster: 1, helloOk: true }),
    ]);
    const reply = await exchange(query, 7);
    expect(reply?.readInt32LE(12)).toBe(1);
    expect(body(reply, 36)).toMatchObject({ ok: 1, ismaster: true, helloOk: true, maxWireVersion: 21 });
  });

  it('reads OP_MSG with a checksum, with document sequences, and in single bytes', async () => {
    expect(body(await exchange(message(2013, [int32(1), Buffer.from([0]), ping, int32(0)])), 21)).toEqual({ ok: 1 });
    const documents = Buffer.concat([serialize({ _id: 1 }), serialize({ _id: 2 })]);
    const section = Buffer.concat([
      Buffer.from([1]),
      int32(4 + 10 + documents.length),
      Buffer.from('documents\0'),
      documents,
    ]);
    const insert = message(2013, [int32(0), section, Buffer.from([0]), serialize({ insert: 'seq', $db: 'convoke' })]);
    expect(body(await exchange(insert, 1), 21)).toEqual({ n: 2, ok: 1 });
  });

  it('hangs up on what is not the protocol, and goes on serving', async () => {
    expect(await exchange(Buffer.from('GET / HTTP/1.1\r\n\r\n'))).toBeUndefined();
    expect(await exchange(message(2013, [int32(0x20), Buffer.from([0]), ping]))).toBeUndefined();
    expect(await exchange(message(2013, [int32(0), Buffer.from([1]), int32(9999)]))).toBeUndefined();
    expect(await exchange(message(2012, [ping]))).toBeUndefined();
    await store.ping();
  });

  it('greets mongosh and Compass', async () => {
    const admin = store.db.admin();
    expect(await admin.command({ hello: 1 })).toMatchObject({
      isWritablePrimary: true,
      maxBsonObjectSize: 16_777_216,
      logicalSessionTimeoutMinutes: 30,
    });
    expect(await admin.command({ buildInfo: 1 })).toMatchObject({ version: '7.0.0' });
    for (const command of [
      { whatsmyuri: 1 },
      { connectionStatus: 1 },
      { hostInfo: 1 },
      { getLog: 'startupWarnings' },
      { serverStatus: 1 },
      { listCommands: 1 },
      { getCmdLineOpts: 1 },
    ]) {
      expect(await admin.command(command)).toMatchObject({ ok: 1 });
    }
    expect(await admin.command({ getParameter: 1, featureCompatibilityVersion: 1 })).toMatchObject({ ok: 1 });
    expect(await store.db.stats()).toMatchObject({ ok: 1, db: 'convoke' });
    expect(await store.db.command({ collStats: 'seq' })).toMatchObject({ count: 2 });
    await expect(admin.command({ atlasVersion: 1 })).rejects.toMatchObject({ code: 59, codeName: 'CommandNotFound' });
    await expect(admin.command({ saslStart: 1, mechanism: 'PLAIN', payload: '' })).rejects.toMatchObject({
      code: 18,
      codeName: 'AuthenticationFailed',
    });
  });

  it.each<[string, Document, number]>([
    ['$where', { find: 'seq', filter: { $where: 'true' } }, 2],
    ['$text', { find: 'seq', filter: { $text: { $search: 'x' } } }, 27],
    ['$jsonSchema', { find: 'seq', filter: { $and: [{ $jsonSchema: {} }] } }, 115],
    ['$near', { find: 'seq', filter: { a: { $near: [1, 2] } } }, 2],
    ['$function', { find: 'seq', filter: { $expr: { $function: {} } } }, 168],
    [
      '$accumulator',
      { aggregate: 'seq', pipeline: [{ $group: { _id: 1, x: { $accumulator: {} } } }], cursor: {} },
      15952,
    ],
    ['$out', { aggregate: 'seq', pipeline: [{ $out: 'x' }], cursor: {} }, 115],
    ['a collation', { find: 'seq', collation: { locale: 'de' } }, 115],
    [
      'a collation of an update',
      { update: 'seq', updates: [{ q: {}, u: { $set: { a: 1 } }, collation: { locale: 'de' } }] },
      115,
    ],
    ['a transaction', { insert: 'seq', documents: [{ a: 1 }], txnNumber: 1, autocommit: false }, 20],
    ['a TTL index', { createIndexes: 'seq', indexes: [{ key: { a: 1 }, name: 'a', expireAfterSeconds: 1 }] }, 197],
    ['a text index', { createIndexes: 'seq', indexes: [{ key: { a: 'text' }, name: 'a' }] }, 67],
    ['a wildcard index', { createIndexes: 'seq', indexes: [{ key: { '$**': 1 }, name: 'a' }] }, 67],
    ['a capped collection', { create: 'capped', capped: true, size: 100 }, 115],
    ['a view', { create: 'view', viewOn: 'seq' }, 115],
    ['a regular expression only PCRE has', { find: 'seq', filter: { a: { $regex: '(?i)x' } } }, 115],
    [
      'a time zone',
      {
        aggregate: 'seq',
        pipeline: [{ $project: { x: { $hour: { date: '$$NOW', timezone: 'Europe/Berlin' } } } }],
        cursor: {},
      },
      115,
    ],
    ['a write concern of several servers', { insert: 'seq', documents: [{ a: 1 }], writeConcern: { w: 2 } }, 2],
    ['linearizable reads', { find: 'seq', readConcern: { level: 'linearizable' } }, 123],
  ])('refuses %s', async (_name, command, code) => {
    const outcome: unknown = await store.db.command(command).catch((error: unknown) => error);
    // A statement of a write command fails on its own.
    const failed =
      typeof outcome === 'object' && outcome !== null && 'writeErrors' in outcome
        ? (outcome as { writeErrors: unknown[] }).writeErrors[0]
        : outcome;
    expect(failed).toMatchObject({ code });
    expect(await store.db.collection('seq').countDocuments()).toBe(2);
  });
});
