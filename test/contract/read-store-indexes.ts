import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { Long } from 'mongodb';
import type { Filter } from 'mongodb';
import type { Fixture, Row } from './read-store-fixture.js';

interface Explained {
  readonly executionStats: { readonly totalDocsExamined: number };
}

const scalar = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom<unknown>('a', 'b', 'B', null, true, 1.5, Long.fromNumber(2), new Date(1), { x: 1 }),
);
const value = fc.oneof({ weight: 5, arbitrary: scalar }, { weight: 1, arbitrary: fc.array(scalar, { maxLength: 3 }) });
const row = fc.record({ a: value, b: scalar, c: fc.record({ d: value }, { requiredKeys: [] }) }, { requiredKeys: [] });
const operand = scalar.filter((given) => given !== null);
const condition = fc.oneof(
  scalar,
  fc.tuple(fc.constantFrom('$gt', '$gte', '$lt', '$lte', '$ne', '$eq'), operand).map(([name, to]) => ({ [name]: to })),
  fc.tuple(operand, operand).map(([low, high]) => ({ $gte: low, $lt: high })),
  fc.array(scalar, { maxLength: 3 }).map((items) => ({ $in: items })),
  fc.boolean().map((yes) => ({ $exists: yes })),
);
const filter = fc.record({ a: condition, b: condition, 'c.d': condition }, { requiredKeys: [] });
const sort = fc.constantFrom<Record<string, 1 | -1>>(
  { a: 1 },
  { a: -1, b: 1 },
  { b: -1 },
  { b: 1, a: 1 },
  { 'c.d': 1 },
  { a: 1, b: 1 },
);

/** Indexes: what they refuse, and that they change nothing but the work done. */
export function indexContract(fixture: Fixture): void {
  const examined = async (query: Filter<Row>): Promise<number> => {
    const explained: unknown = await fixture.rows.find(query).explain('executionStats');
    return (explained as Explained).executionStats.totalDocsExamined;
  };

  describe('indexes', () => {
    it('find the same documents in the same order as a scan', async () => {
      const { rows } = fixture;
      const run = async (query: Filter<Row>, order: Record<string, 1 | -1>, natural: boolean): Promise<unknown[]> => {
        const cursor = rows.find(query).sort({ ...order, _id: 1 });
        return (natural ? cursor.hint({ $natural: 1 }) : cursor).map((found) => found['_id']).toArray();
      };
      await rows.createIndexes([
        { key: { a: 1, b: -1, _id: 1 } },
        { key: { b: 1 } },
        { key: { 'c.d': -1 } },
        { key: { b: -1, _id: -1 } },
        { key: { a: -1 }, sparse: true },
      ]);
      await fc.assert(
        fc.asyncProperty(
          fc.array(row, { minLength: 1, maxLength: 25 }),
          fc.array(fc.tuple(filter, sort), { minLength: 1, maxLength: 8 }),
          async (documents, queries) => {
            await rows.deleteMany({});
            await rows.insertMany(documents.map((document, _id) => ({ _id, ...document })));
            // Some change and some go, so that the indexes are kept up, not only built.
            await rows.updateMany({ _id: { $mod: [3, 0] } }, { $set: { b: 2 } });
            await rows.deleteMany({ _id: { $mod: [7, 5] } });
            for (const [query, order] of queries)
              expect(await run(query, order, false)).toEqual(await run(query, order, true));
          },
        ),
        { numRuns: 60 },
      );
    });

    it('answer a find by an indexed field without a scan', async () => {
      const { rows } = fixture;
      await rows.createIndex({ world: 1, n: 1 });
      await rows.insertMany(Array.from({ length: 20_000 }, (_, n) => ({ _id: n, world: `w${n % 100}`, n })));
      expect(await examined({ _id: 777 })).toBe(1);
      expect(await examined({ world: 'w5' })).toBe(200);
      expect(await examined({ world: 'w5', n: { $gte: 19_000, $lt: 19_200 } })).toBeLessThanOrEqual(3);
      expect(await examined({ world: { $in: ['w1', 'w2'] }, n: 101 })).toBeLessThanOrEqual(3);
      expect((await rows.find({ world: 'w5' }).sort({ n: -1 }).limit(2).toArray()).map((found) => found.n)).toEqual([
        19_905, 19_805,
      ]);
      expect(await examined({ n: 5 })).toBe(20_000);
    });

    it('unique ones refuse duplicates by value, name the key, and change nothing', async () => {
      const { rows, db } = fixture;
      await rows.createIndex({ world: 1, name: 1 }, { unique: true });
      await rows.insertMany([
        { _id: 1, world: 1, name: 'x' },
        { _id: 2, world: 1, name: 'y' },
      ]);
      await expect(rows.insertOne({ _id: 3, world: Long.fromNumber(1), name: 'x' })).rejects.toMatchObject({
        code: 11000,
        keyPattern: { world: 1, name: 1 },
        keyValue: { world: 1, name: 'x' },
        message: expect.stringContaining(
          `E11000 duplicate key error collection: ${db.databaseName}.rows index: world_1_name_1 dup key: { world: 1, name: "x" }`,
        ),
      });
      await expect(rows.updateOne({ _id: 2 }, { $set: { name: 'x' } })).rejects.toMatchObject({ code: 11000 });
      expect(await rows.find().sort({ _id: 1 }).toArray()).toEqual([
        { _id: 1, world: 1, name: 'x' },
        { _id: 2, world: 1, name: 'y' },
      ]);
      await rows.deleteOne({ _id: 1 });
      await rows.updateOne({ _id: 2 }, { $set: { name: 'x' } });
      await rows.insertOne({ _id: 4 });
      await expect(rows.insertOne({ _id: 5 })).rejects.toMatchObject({
        code: 11000,
        keyValue: { world: null, name: null },
      });
      await expect(rows.insertOne({ _id: 4 })).rejects.toMatchObject({
        code: 11000,
        keyPattern: { _id: 1 },
        keyValue: { _id: 4 },
      });
    });

    it('unique ones on arrays hold between documents, not within one', async () => {
      const { rows } = fixture;
      await rows.createIndex({ tags: 1 }, { unique: true });
      await rows.insertOne({ _id: 1, tags: ['a', 'a', 'b'] });
      await expect(rows.insertOne({ _id: 2, tags: ['c', 'b'] })).rejects.toMatchObject({
        code: 11000,
        keyValue: { tags: 'b' },
      });
      expect(await rows.find({ tags: { $in: ['a', 'b'] } }).toArray()).toHaveLength(1);
    });

    it('on arrays take two bounds for what they are: each may hold for another element', async () => {
      const { rows } = fixture;
      await rows.createIndex({ a: 1 });
      await rows.insertMany([
        { _id: 1, a: [1, 9] },
        { _id: 2, a: [4, 5] },
      ]);
      expect(await rows.find({ a: { $gt: 6, $lt: 3 } }).toArray()).toEqual([{ _id: 1, a: [1, 9] }]);
      expect(await rows.find({ a: { $gt: 0 } }).toArray()).toHaveLength(2);
    });

    it('sparse and partial ones leave documents out and are not used where those are wanted', async () => {
      const { rows } = fixture;
      await rows.createIndex({ s: 1 }, { unique: true, sparse: true });
      await rows.createIndex({ p: 1 }, { unique: true, partialFilterExpression: { live: true } });
      await rows.insertMany([
        { _id: 1, p: 1, live: true },
        { _id: 2, p: 1 },
        { _id: 3, p: 2, s: null },
      ]);
      await expect(rows.insertOne({ _id: 4, p: 1, live: true })).rejects.toMatchObject({ code: 11000 });
      await expect(rows.insertOne({ _id: 4, s: null })).rejects.toMatchObject({ code: 11000 });
      expect(await rows.find({ p: 1 }).toArray()).toHaveLength(2);
      expect((await rows.find().sort({ s: 1 }).toArray()).length).toBe(3);
      expect(await examined({ p: 1, live: true })).toBe(1);
    });

    it('are listed, dropped, built over what is there, and never made twice in different ways', async () => {
      const { rows, db } = fixture;
      await rows.insertMany([{ a: 1 }, { a: 1 }]);
      await expect(rows.createIndex({ a: 1 }, { unique: true })).rejects.toMatchObject({ code: 11000 });
      expect(await rows.createIndex({ a: 1 })).toBe('a_1');
      expect(await rows.createIndex({ a: 1 })).toBe('a_1');
      await expect(rows.createIndex({ a: 1 }, { name: 'other' })).rejects.toMatchObject({
        code: 85,
        codeName: 'IndexOptionsConflict',
      });
      await expect(rows.createIndex({ b: 1 }, { name: 'a_1' })).rejects.toMatchObject({
        code: 86,
        codeName: 'IndexKeySpecsConflict',
      });
      expect(await rows.indexes()).toEqual([
        { v: 2, key: { _id: 1 }, name: '_id_' },
        { v: 2, key: { a: 1 }, name: 'a_1' },
      ]);
      await rows.dropIndex('a_1');
      await expect(rows.dropIndex('a_1')).rejects.toMatchObject({ code: 27, codeName: 'IndexNotFound' });
      await expect(rows.dropIndex('_id_')).rejects.toMatchObject({ code: 72, codeName: 'InvalidOptions' });
      await expect(db.collection('none').indexes()).rejects.toMatchObject({ code: 26, codeName: 'NamespaceNotFound' });
    });

    it('cannot hold two arrays in parallel', async () => {
      await fixture.rows.createIndex({ a: 1, b: 1 });
      await expect(fixture.rows.insertOne({ a: [1], b: [2] })).rejects.toMatchObject({ code: 171 });
    });
  });
}
