import { describe, expect, it } from '@jest/globals';
import {
  Binary,
  BSONRegExp,
  Code,
  Decimal128,
  Double,
  Int32,
  Long,
  MaxKey,
  MinKey,
  MongoBulkWriteError,
  ObjectId,
  Timestamp,
} from 'mongodb';
import { change } from './read-store-fixture.js';
import type { Fixture } from './read-store-fixture.js';

/** Inserting, deleting, bulk writes, cursors and the types of values. */
export function writeContract(fixture: Fixture): void {
  describe('writes and cursors', () => {
    it('keeps every BSON type, key order, and the difference of null and missing', async () => {
      const { rows } = fixture;
      const id = new ObjectId();
      const given = {
        _id: id,
        z: new Int32(1),
        a: new Double(5),
        half: new Double(1.5),
        minusZero: new Double(-0),
        big: new Double(2 ** 40),
        nan: new Double(Number.NaN),
        long: Long.fromString('9007199254740993'),
        small: Long.fromNumber(7),
        decimal: Decimal128.fromString('1.10'),
        text: 'Grüße 😀 \u0000 end',
        date: new Date('1969-12-31T23:59:59.999Z'),
        yes: true,
        nothing: null,
        bytes: new Binary(Buffer.from([0, 255, 3]), 4),
        regex: new BSONRegExp('^a.b', 'im'),
        time: new Timestamp({ t: 7, i: 3 }),
        code: new Code('return 1'),
        min: new MinKey(),
        max: new MaxKey(),
        nested: { y: [new Double(1), { x: Long.fromNumber(2) }, []], __proto__x: {} },
      };
      await rows.insertOne(given);
      const [raw] = await rows.find({}, { promoteValues: false, bsonRegExp: true }).toArray();
      expect(raw).toStrictEqual({ ...given });
      expect(Object.keys(raw ?? {})).toEqual(Object.keys(given));
      // An update of another field leaves the types as they are.
      await rows.updateOne({ _id: id }, { $set: { yes: false } });
      const [updated] = await rows.find({}, { promoteValues: false, bsonRegExp: true }).toArray();
      expect(updated).toStrictEqual({ ...given, yes: false });
    });

    it('puts _id first and makes one where there is none', async () => {
      const { rows, db } = fixture;
      await db.command({ insert: 'rows', documents: [{ b: 1, _id: 5 }, { a: 1 }] });
      const all = await rows.find().toArray();
      expect(Object.keys(all[0] ?? {})).toEqual(['_id', 'b']);
      expect(all[1]?.['_id']).toBeInstanceOf(ObjectId);
    });

    it('reads thousands of documents in batches, each once and in order', async () => {
      const { rows } = fixture;
      await rows.insertMany(Array.from({ length: 5000 }, (_, i) => ({ _id: i })));
      const found = await rows.find({}, { batchSize: 333 }).sort({ _id: 1 }).toArray();
      expect(found.map((row) => row['_id'])).toEqual(Array.from({ length: 5000 }, (_, i) => i));
      expect(await rows.find({}).skip(4990).limit(20).toArray()).toHaveLength(10);
      expect(
        await rows
          .find({ _id: { $gte: 100 } })
          .limit(7)
          .sort({ _id: -1 })
          .map((row) => row['_id'])
          .toArray(),
      ).toEqual([4999, 4998, 4997, 4996, 4995, 4994, 4993]);
    });

    it('answers a first batch of 0, then the rest, and forgets a cursor that was closed', async () => {
      const { rows, db } = fixture;
      await rows.insertMany([{ _id: 1 }, { _id: 2 }, { _id: 3 }]);
      const first = await db.command({ find: 'rows', batchSize: 0 });
      expect(first['cursor'].firstBatch).toEqual([]);
      const id = Long.fromValue(first['cursor'].id);
      const second = await db.command({ getMore: id, collection: 'rows', batchSize: 2 });
      expect(second['cursor'].nextBatch).toEqual([{ _id: 1 }, { _id: 2 }]);
      expect(await db.command({ killCursors: 'rows', cursors: [id] })).toMatchObject({ cursorsNotFound: [] });
      await expect(db.command({ getMore: id, collection: 'rows' })).rejects.toMatchObject({
        code: 43,
        codeName: 'CursorNotFound',
      });
      const single = await db.command({ find: 'rows', batchSize: 2, singleBatch: true });
      expect(Number(single['cursor'].id)).toBe(0);
    });

    it('splits batches at 16 MiB', async () => {
      const { rows } = fixture;
      const text = 'x'.repeat(6_000_000);
      for (const n of [1, 2, 3]) await rows.insertOne({ _id: n, text });
      expect(
        await rows
          .find()
          .map((row) => row['_id'])
          .toArray(),
      ).toEqual([1, 2, 3]);
    });

    it('stops an ordered batch at the first error and goes on in an unordered one', async () => {
      const { rows } = fixture;
      const operations = [1, 1, 2, 2, 3].map((n) => ({ insertOne: { document: { _id: n } } }));
      const ordered = await rows.bulkWrite(operations).catch((error: unknown) => error);
      expect(ordered).toBeInstanceOf(MongoBulkWriteError);
      expect(ordered).toMatchObject({ code: 11000, insertedCount: 1, writeErrors: [{ index: 1, code: 11000 }] });
      await rows.deleteMany({});
      const unordered = await rows.bulkWrite(operations, { ordered: false }).catch((error: unknown) => error);
      expect(unordered).toMatchObject({ insertedCount: 3, writeErrors: [{ index: 1 }, { index: 3 }] });
      expect(await rows.countDocuments()).toBe(3);
    });

    it('counts what a mixed bulk write did and names upserted ids', async () => {
      const { rows } = fixture;
      await rows.insertMany([
        { _id: 'a', n: 1 },
        { _id: 'b', n: 1 },
      ]);
      const result = await rows.bulkWrite([
        { updateOne: { filter: { _id: 'a' }, update: { $set: { n: 2 } } } },
        { updateOne: { filter: { _id: 'b' }, update: { $set: { n: 1 } } } },
        { replaceOne: { filter: { _id: 'c' }, replacement: { n: 3 }, upsert: true } },
        { updateMany: { filter: { n: { $gt: 0 } }, update: change({ $inc: { n: 1 } }) } },
        { deleteOne: { filter: { _id: 'b' } } },
        { deleteMany: { filter: { n: 99 } } },
      ]);
      expect(result).toMatchObject({
        matchedCount: 5,
        modifiedCount: 4,
        upsertedCount: 1,
        deletedCount: 1,
        upsertedIds: { 2: 'c' },
      });
      expect(await rows.find().toArray()).toEqual([
        { _id: 'a', n: 3 },
        { _id: 'c', n: 4 },
      ]);
    });

    it('guards a write by the position a row reflects: an older one inserts nothing and says duplicate key', async () => {
      const { rows } = fixture;
      const write = (position: string) =>
        rows.updateOne({ _id: 'r', position: { $lt: position } }, { $set: { position } }, { upsert: true });
      await write('0005');
      await write('0007');
      await expect(write('0006')).rejects.toMatchObject({ code: 11000 });
      expect(await rows.find().toArray()).toEqual([{ _id: 'r', position: '0007' }]);
    });

    it('does unacknowledged writes, in order with what follows', async () => {
      const { client, db } = fixture;
      const session = client.startSession();
      await db.collection('rows').insertMany([{ a: 1 }, { a: 2 }], { writeConcern: { w: 0 } });
      await session.endSession();
      const deadline = Date.now() + 5000;
      let count = 0;
      while (count < 2 && Date.now() < deadline) count = await db.collection('rows').countDocuments();
      expect(count).toBe(2);
    });

    it('deletes one or many and says how many', async () => {
      const { rows } = fixture;
      await rows.insertMany([1, 2, 3, 4].map((n) => ({ n })));
      expect((await rows.deleteOne({ n: { $gt: 1 } })).deletedCount).toBe(1);
      expect((await rows.deleteMany({})).deletedCount).toBe(3);
      expect((await rows.deleteMany({})).deletedCount).toBe(0);
    });

    it('counts and lists distinct values, arrays by their elements', async () => {
      const { rows } = fixture;
      await rows.insertMany([{ t: ['a', 'b'] }, { t: 'b' }, { t: null }, {}, { t: Long.fromNumber(1) }, { t: 1 }]);
      expect(await rows.countDocuments({ t: 'b' })).toBe(2);
      expect(await rows.estimatedDocumentCount()).toBe(6);
      expect((await rows.distinct('t')).map(String).toSorted()).toEqual(['1', 'a', 'b', 'null']);
    });

    it('lists and drops collections and databases, and renames', async () => {
      const { db, client } = fixture;
      await db.collection('other').insertOne({ _id: 1 as never });
      expect((await db.listCollections().toArray()).map((found) => found.name).toSorted()).toEqual(['other', 'rows']);
      expect((await client.db().admin().listDatabases()).databases.map((found) => found.name)).toContain(
        db.databaseName,
      );
      await db.renameCollection('other', 'renamed');
      expect(await db.collection('renamed').countDocuments()).toBe(1);
      await expect(db.renameCollection('renamed', 'rows')).rejects.toMatchObject({
        code: 48,
        codeName: 'NamespaceExists',
      });
      await db.renameCollection('renamed', 'rows', { dropTarget: true });
      expect(await db.collection('rows').countDocuments()).toBe(1);
      await db.collection('rows').drop();
      expect(await db.listCollections().toArray()).toEqual([]);
      await expect(db.createCollection('rows')).resolves.toBeDefined();
      await expect(db.command({ create: 'rows', capped: false })).rejects.toMatchObject({ code: 48 });
    });
  });
}
