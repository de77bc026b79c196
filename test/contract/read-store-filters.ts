import { describe, expect, it } from '@jest/globals';
import { Decimal128, Long, MaxKey, MinKey } from 'mongodb';
import type { Filter } from 'mongodb';
import type { Fixture, Row } from './read-store-fixture.js';

/** Filters, sorts and projections. */
export function filterContract(fixture: Fixture): void {
  const ids = async (filter: Filter<Row>): Promise<unknown[]> =>
    (await fixture.rows.find(filter).sort({ _id: 1 }).toArray()).map((row) => row['_id']);

  describe('filters', () => {
    it('compares numbers by value whatever their type', async () => {
      await fixture.rows.insertMany([
        { _id: 1, n: 5 },
        { _id: 2, n: Long.fromNumber(5) },
        { _id: 3, n: Decimal128.fromString('5.0') },
        { _id: 4, n: 5.5 },
        { _id: 5, n: Long.fromString('9007199254740993') },
        { _id: 6, n: '5' },
      ]);
      expect(await ids({ n: 5 })).toEqual([1, 2, 3]);
      expect(await ids({ n: { $in: [Long.fromNumber(5)] } })).toEqual([1, 2, 3]);
      expect(await ids({ n: { $gt: 5 } })).toEqual([4, 5]);
      expect(await ids({ n: { $gt: Long.fromString('9007199254740992') } })).toEqual([5]);
      expect(await ids({ n: 9007199254740992 })).toEqual([]);
    });

    it('takes null for missing, and keeps types apart in order comparisons', async () => {
      await fixture.rows.insertMany([
        { _id: 1 },
        { _id: 2, a: null },
        { _id: 3, a: 1 },
        { _id: 4, a: 'x' },
        { _id: 5, a: { b: 1 } },
        { _id: 6, a: [] },
      ]);
      expect(await ids({ a: null })).toEqual([1, 2]);
      expect(await ids({ a: { $exists: false } })).toEqual([1]);
      expect(await ids({ a: { $ne: null } })).toEqual([3, 4, 5, 6]);
      expect(await ids({ a: { $gte: null } })).toEqual([1, 2]);
      expect(await ids({ a: { $lt: 100 } })).toEqual([3]);
      expect(await ids({ a: { $lt: 'y' } })).toEqual([4]);
      expect(await ids({ a: { $nin: [null, 1] } })).toEqual([4, 5, 6]);
      expect(await ids({ 'a.b': null })).toEqual([1, 2, 3, 4]);
      expect(await ids({ a: { $gt: new MinKey(), $lt: new MaxKey() } })).toEqual([2, 3, 4, 5, 6]);
    });

    it('looks into arrays, by element, as a whole, by position and by field', async () => {
      await fixture.rows.insertMany([
        { _id: 1, a: [1, 5] },
        { _id: 2, a: [3] },
        { _id: 3, a: [[3]] },
        {
          _id: 4,
          a: [
            { b: 3, c: 1 },
            { b: 1, c: 3 },
          ],
        },
        { _id: 5, a: 3 },
      ]);
      expect(await ids({ a: 3 })).toEqual([2, 5]);
      expect(await ids({ a: [3] })).toEqual([2, 3]);
      expect(await ids({ a: [5, 1] })).toEqual([]);
      expect(await ids({ a: { $gt: 3, $lt: 2 } })).toEqual([1]);
      expect(await ids({ a: { $elemMatch: { $gt: 2, $lt: 4 } } })).toEqual([2]);
      expect(await ids({ 'a.0': 1 })).toEqual([1]);
      expect(await ids({ 'a.b': 3, 'a.c': 3 })).toEqual([4]);
      expect(await ids({ a: { $elemMatch: { b: 3, c: 3 } } })).toEqual([]);
      expect(await ids({ a: { $size: 1 } })).toEqual([2, 3]);
      expect(await ids({ a: { $all: [1, 5] } })).toEqual([1]);
      expect(await ids({ a: { $ne: 3 } })).toEqual([1, 3, 4]);
      expect(await ids({ a: { $not: { $gt: 2 } } })).toEqual([3, 4]);
    });

    it('is exact about documents as values: order of fields counts', async () => {
      await fixture.rows.insertMany([
        { _id: 1, d: { x: 1, y: 2 } },
        { _id: 2, d: { y: 2, x: 1 } },
      ]);
      expect(await ids({ d: { x: 1, y: 2 } })).toEqual([1]);
      expect(await ids({ 'd.x': 1 })).toEqual([1, 2]);
    });

    it('combines, tests types, remainders, bits and patterns', async () => {
      await fixture.rows.insertMany([
        { _id: 1, s: 'Anna', n: 10 },
        { _id: 2, s: 'bob\n', n: 7 },
        { _id: 3, s: ['x', 'annex'], n: 2.5 },
        { _id: 4, n: Long.fromNumber(10) },
      ]);
      expect(await ids({ s: /^ann/i })).toEqual([1, 3]);
      expect(await ids({ s: { $regex: 'bob$' } })).toEqual([2]);
      expect(await ids({ s: { $in: [/^A/, 'x'] } })).toEqual([1, 3]);
      expect(await ids({ s: { $not: /n/ } })).toEqual([2, 4]);
      expect(await ids({ $or: [{ n: 7 }, { s: 'x' }], $nor: [{ _id: 2 }] })).toEqual([3]);
      expect(await ids({ n: { $type: 'long' } })).toEqual([4]);
      expect(await ids({ n: { $type: ['int', 'double'] } })).toEqual([1, 2, 3]);
      expect(await ids({ n: { $mod: [5, 0] } })).toEqual([1, 4]);
      expect(await ids({ n: { $bitsAllSet: 3 } })).toEqual([2]);
      expect(await ids({ $expr: { $gt: ['$n', { $add: [7, 1] }] } })).toEqual([1, 4]);
    });
  });

  describe('sorts and projections', () => {
    it('sorts by BSON order, arrays by their smallest or largest element', async () => {
      const values: unknown[] = [
        new Date(0),
        true,
        { a: 1 },
        'b',
        'a',
        3,
        Long.fromNumber(2),
        2.5,
        null,
        [9, 1],
        new MinKey(),
        new MaxKey(),
        '\u{1f600}',
        '\uffff',
      ];
      await fixture.rows.insertMany(values.map((v, _id) => ({ _id, v })));
      const up = await fixture.rows.find().sort({ v: 1 }).toArray();
      expect(up.map((row) => row['_id'])).toEqual([10, 8, 9, 6, 7, 5, 4, 3, 13, 12, 2, 1, 0, 11]);
      const down = await fixture.rows.find().sort({ v: -1 }).toArray();
      expect(down.map((row) => row['_id'])).toEqual([11, 0, 1, 2, 12, 13, 3, 4, 9, 5, 7, 6, 8, 10]);
    });

    it('sorts by several fields, missing as null', async () => {
      await fixture.rows.insertMany([
        { _id: 1, a: 1, b: 1 },
        { _id: 2, a: 1 },
        { _id: 3, b: 2 },
        { _id: 4, a: 2, b: 0 },
      ]);
      expect((await fixture.rows.find().sort({ a: -1, b: 1 }).toArray()).map((row) => row['_id'])).toEqual([
        4, 2, 1, 3,
      ]);
    });

    it('includes, excludes, cuts and computes', async () => {
      const { rows } = fixture;
      await rows.insertOne({ _id: 1, a: 1, b: { c: 2, d: 3 }, e: [{ f: 1, g: 2 }, { f: 3 }, 5] });
      const one = (projection: object) => rows.findOne({}, { projection });
      expect(await one({ a: 1 })).toEqual({ _id: 1, a: 1 });
      expect(await one({ _id: 0, 'b.c': 1 })).toEqual({ b: { c: 2 } });
      expect(await one({ b: { d: 1 } })).toEqual({ _id: 1, b: { d: 3 } });
      expect(await one({ b: 0, 'e.f': 0 })).toEqual({ _id: 1, a: 1, e: [{ g: 2 }, {}, 5] });
      expect(await one({ _id: 0, 'e.f': 1 })).toEqual({ e: [{ f: 1 }, { f: 3 }] });
      expect(await one({ _id: 0 })).toEqual({ a: 1, b: { c: 2, d: 3 }, e: [{ f: 1, g: 2 }, { f: 3 }, 5] });
      expect(await one({ _id: 0, e: { $slice: [1, 1] }, a: 1 })).toEqual({ a: 1, e: [{ f: 3 }] });
      expect(await one({ _id: 0, e: { $elemMatch: { f: 3 } } })).toEqual({ e: [{ f: 3 }] });
      expect(await one({ _id: 0, twice: { $multiply: ['$a', 2] } })).toEqual({ twice: 2 });
      await expect(one({ a: 1, b: 0 })).rejects.toMatchObject({ code: 31254 });
    });
  });
}
