import { describe, expect, it } from '@jest/globals';
import { Double, Long } from 'mongodb';
import type { Document, UpdateOptions } from 'mongodb';
import { change } from './read-store-fixture.js';
import type { Fixture, Row } from './read-store-fixture.js';

const push = (value: unknown): Document => ({ $push: { a: value } });
const pull = (condition: unknown): Document => ({ $pull: { a: condition } });

/** Update operators, upserts and findAndModify. */
export function updateContract(fixture: Fixture): void {
  /** What an update makes of a document. */
  const after = async (
    doc: Row,
    update: Document | Document[],
    options?: UpdateOptions,
    filter: Document = {},
  ): Promise<unknown> => {
    await fixture.rows.deleteMany({});
    await fixture.rows.insertOne({ _id: 1, ...doc });
    await fixture.rows.updateOne(filter, update, options);
    const { _id, ...rest } = (await fixture.rows.findOne()) ?? {};
    expect(_id).toBe(1);
    return rest;
  };

  describe('update operators', () => {
    it('sets, unsets, renames and makes documents on the way', async () => {
      expect(await after({ a: 1 }, { $set: { 'b.c': 2, a: 3 } })).toEqual({ a: 3, b: { c: 2 } });
      expect(await after({ a: [1, 2] }, { $set: { 'a.3': 9 } })).toEqual({ a: [1, 2, null, 9] });
      expect(await after({ a: { b: 1, c: 2 }, d: [1, 2] }, { $unset: { 'a.b': '', 'd.0': '', x: '' } })).toEqual({
        a: { c: 2 },
        d: [null, 2],
      });
      expect(await after({ a: 1, b: 2 }, { $rename: { a: 'c.d', x: 'y' } })).toEqual({ b: 2, c: { d: 1 } });
      expect(Object.keys((await after({}, { $set: { z: 1, b: 1, a: 1 } })) ?? {})).toEqual(['a', 'b', 'z']);
      await expect(after({ a: 1 }, { $set: { 'a.b': 1 } })).rejects.toMatchObject({ code: 28 });
    });

    it('counts with the right types', async () => {
      expect(await after({ n: 1 }, { $inc: { n: 2, m: -1 } })).toEqual({ n: 3, m: -1 });
      expect(await after({ n: 3 }, { $mul: { n: 2, m: 5 } })).toEqual({ n: 6, m: 0 });
      await after(
        { n: 2147483647, l: Long.fromString('9007199254740993'), d: new Double(1) },
        { $inc: { n: 1, l: 1, d: 1 } },
      );
      const raw = await fixture.rows.findOne({}, { promoteValues: false });
      expect(raw).toMatchObject({
        n: Long.fromNumber(2147483648),
        l: Long.fromString('9007199254740994'),
        d: new Double(2),
      });
      await expect(after({ n: 'x' }, { $inc: { n: 1 } })).rejects.toMatchObject({ code: 14 });
      expect(await after({ n: 5, s: 'b' }, { $min: { n: 3, s: 'c' }, $max: { m: 1 } })).toEqual({ n: 3, s: 'b', m: 1 });
      expect(await after({ n: 5 }, { $bit: { n: { and: 4 } } })).toEqual({ n: 4 });
    });

    it('pushes with $each, $position, $sort and $slice', async () => {
      expect(await after({}, push(1))).toEqual({ a: [1] });
      expect(await after({ a: [1] }, push([2]))).toEqual({ a: [1, [2]] });
      expect(await after({ a: [1, 4] }, push({ $each: [2, 3], $position: 1 }))).toEqual({ a: [1, 2, 3, 4] });
      expect(await after({ a: [5, 1] }, push({ $each: [3], $sort: -1, $slice: 2 }))).toEqual({ a: [5, 3] });
      expect(
        await after({ a: [{ x: 2 }, { x: 1 }] }, push({ $each: [{ x: 0 }], $sort: { x: 1 }, $slice: -2 })),
      ).toEqual({ a: [{ x: 1 }, { x: 2 }] });
      await expect(after({ a: 5 }, push(1))).rejects.toMatchObject({ code: 2 });
    });

    it('adds to a set without dropping the repeats that are there', async () => {
      expect(await after({ a: [1, 1, 2] }, { $addToSet: { a: 3 } })).toEqual({ a: [1, 1, 2, 3] });
      expect(await after({ a: [1, 1] }, { $addToSet: { a: { $each: [1, 2, 2] } } })).toEqual({
        a: [1, 1, 2],
      });
      expect(await after({ a: [{ x: 1, y: 2 }] }, { $addToSet: { a: { y: 2, x: 1 } } })).toEqual({
        a: [
          { x: 1, y: 2 },
          { y: 2, x: 1 },
        ],
      });
    });

    it('pulls by value and by condition, and pops', async () => {
      expect(await after({ a: [1, 2, 1] }, pull(1))).toEqual({ a: [2] });
      expect(await after({ a: [1, 5, 9] }, pull({ $gte: 5 }))).toEqual({ a: [1] });
      expect(await after({ a: [{ x: 1, y: 1 }, { x: 2 }] }, pull({ x: 1 }))).toEqual({ a: [{ x: 2 }] });
      expect(await after({ a: [1, 2, 3, 1] }, { $pullAll: { a: [1, 3] } })).toEqual({ a: [2] });
      expect(await after({ a: [1, 2, 3] }, { $pop: { a: 1 } })).toEqual({ a: [1, 2] });
      expect(await after({ a: [1, 2, 3] }, { $pop: { a: -1 } })).toEqual({ a: [2, 3] });
    });

    it('changes the matched element, all of them, or those of an array filter', async () => {
      expect(await after({ a: [1, 5, 7] }, { $set: { 'a.$': 0 } }, {}, { a: { $gt: 4 } })).toEqual({ a: [1, 0, 7] });
      expect(await after({ a: [{ k: 1 }, { k: 2, v: 1 }] }, { $inc: { 'a.$.v': 1 } }, {}, { 'a.k': 2 })).toEqual({
        a: [{ k: 1 }, { k: 2, v: 2 }],
      });
      expect(await after({ a: [1, 2] }, { $inc: { 'a.$[]': 10 } })).toEqual({ a: [11, 12] });
      expect(
        await after(
          { a: [{ k: 1 }, { k: 5 }] },
          { $set: { 'a.$[big].hit': true } },
          { arrayFilters: [{ 'big.k': { $gt: 2 } }] },
        ),
      ).toEqual({ a: [{ k: 1 }, { k: 5, hit: true }] });
      await expect(after({ a: [1] }, { $set: { 'a.$': 0 } })).rejects.toMatchObject({ code: 2 });
    });

    it('runs a pipeline on the document itself', async () => {
      expect(await after({ a: 1, b: 2 }, [{ $set: { c: { $add: ['$a', '$b'] } } }, { $unset: 'a' }])).toEqual({
        b: 2,
        c: 3,
      });
    });

    it('sets dates', async () => {
      const before = Date.now() - 1000;
      const made = await after({}, { $currentDate: { at: true } });
      expect(Number((made as { at: Date }).at)).toBeGreaterThan(before);
    });

    it('refuses conflicts, changes of _id, and mixed or unknown operators', async () => {
      await expect(after({}, { $set: { a: 1 }, $inc: { a: 1 } })).rejects.toMatchObject({ code: 40 });
      await expect(after({}, { $set: { 'a.b': 1, a: 1 } })).rejects.toMatchObject({ code: 40 });
      await expect(after({}, { $set: { _id: 2 } })).rejects.toMatchObject({ code: 66 });
      await expect(after({}, { $nope: { a: 1 } })).rejects.toMatchObject({ code: 9 });
      await expect(after({}, { $set: { 'a..b': 1 } })).rejects.toMatchObject({ code: 56 });
      const many = await fixture.db.command({ update: 'rows', updates: [{ q: {}, u: { a: 1 }, multi: true }] });
      expect(many).toMatchObject({ writeErrors: [{ code: 9 }] });
    });
  });

  describe('upsert and findAndModify', () => {
    it('takes the fields an upsert begins with from the equalities of the filter', async () => {
      const { rows } = fixture;
      const result = await rows.updateOne(
        { _id: 'x', 'a.b': 1, n: { $gt: 5 }, $and: [{ k: { $eq: 2 } }] },
        { $set: { s: 1 }, $setOnInsert: { made: true } },
        { upsert: true },
      );
      expect(result).toMatchObject({ matchedCount: 0, upsertedCount: 1, upsertedId: 'x' });
      expect(await rows.findOne()).toEqual({ _id: 'x', a: { b: 1 }, k: 2, made: true, s: 1 });
      const again = await rows.updateOne(
        { _id: 'x' },
        { $set: { s: 1 }, $setOnInsert: { made: false } },
        { upsert: true },
      );
      expect(again).toMatchObject({ matchedCount: 1, modifiedCount: 0, upsertedCount: 0 });
      await rows.replaceOne({ _id: 'y', q: 1 }, { z: 1 }, { upsert: true });
      expect(await rows.findOne({ _id: 'y' })).toEqual({ _id: 'y', z: 1 });
    });

    it('updates many and leaves what is as it should be', async () => {
      const { rows } = fixture;
      await rows.insertMany([{ n: 1 }, { n: 2 }, { n: 2 }]);
      expect(await rows.updateMany({}, { $set: { n: 2 } })).toMatchObject({ matchedCount: 3, modifiedCount: 1 });
    });

    it('returns the document before or after, by sort, and upserts or removes', async () => {
      const { rows } = fixture;
      await rows.insertMany([
        { _id: 1, n: 1 },
        { _id: 2, n: 2 },
      ]);
      expect(await rows.findOneAndUpdate({}, change({ $inc: { n: 10 } }), { sort: { n: -1 } })).toEqual({
        _id: 2,
        n: 2,
      });
      expect(
        await rows.findOneAndUpdate({ _id: 2 }, change({ $inc: { n: 1 } }), {
          returnDocument: 'after',
          projection: { _id: 0 },
        }),
      ).toEqual({ n: 13 });
      expect(await rows.findOneAndReplace({ _id: 1 }, { m: 1 }, { returnDocument: 'after' })).toEqual({ _id: 1, m: 1 });
      expect(await rows.findOneAndDelete({ _id: 1 })).toEqual({ _id: 1, m: 1 });
      expect(await rows.findOneAndUpdate({ _id: 9 }, { $set: { a: 1 } })).toBeNull();
      const raw = await rows.findOneAndUpdate(
        { _id: 9 },
        { $set: { a: 1 } },
        { upsert: true, returnDocument: 'after', includeResultMetadata: true },
      );
      expect(raw).toMatchObject({
        value: { _id: 9, a: 1 },
        lastErrorObject: { n: 1, updatedExisting: false, upserted: 9 },
      });
    });
  });
}
