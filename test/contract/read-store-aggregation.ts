import { describe, expect, it } from '@jest/globals';
import { Long } from 'mongodb';
import type { Document } from 'mongodb';
import type { Fixture, Row } from './read-store-fixture.js';

/** Pipelines and expressions. */
export function aggregationContract(fixture: Fixture): void {
  const run = (pipeline: Document[]): Promise<Document[]> => fixture.rows.aggregate(pipeline).toArray();
  /** What an expression gives on a document. */
  const evaluate = async (expression: unknown, doc: Row = {}): Promise<unknown> => {
    await fixture.rows.deleteMany({});
    await fixture.rows.insertOne({ _id: 1, ...doc });
    const [found] = await run([{ $project: { _id: 0, value: expression } }]);
    return found?.['value'];
  };

  describe('aggregation', () => {
    it('matches, groups, sorts and cuts', async () => {
      await fixture.rows.insertMany([
        { w: 'a', n: 1 },
        { w: 'b', n: 5 },
        { w: 'a', n: Long.fromNumber(3) },
        { w: 'c' },
        { w: 'b', n: 4 },
      ]);
      expect(
        await run([
          { $match: { w: { $ne: 'c' } } },
          {
            $group: {
              _id: '$w',
              sum: { $sum: '$n' },
              avg: { $avg: '$n' },
              min: { $min: '$n' },
              max: { $max: '$n' },
              all: { $push: '$n' },
              count: { $sum: 1 },
            },
          },
          { $sort: { sum: -1 } },
        ]),
      ).toEqual([
        { _id: 'b', sum: 9, avg: 4.5, min: 4, max: 5, all: [5, 4], count: 2 },
        { _id: 'a', sum: 4, avg: 2, min: 1, max: 3, all: [1, 3], count: 2 },
      ]);
      expect(await run([{ $sort: { n: 1 } }, { $skip: 1 }, { $limit: 2 }, { $project: { _id: 0, n: 1 } }])).toEqual([
        { n: 1 },
        { n: 3 },
      ]);
      expect(await run([{ $count: 'total' }])).toEqual([{ total: 5 }]);
      expect(await run([{ $match: { w: 'none' } }, { $count: 'total' }])).toEqual([]);
      expect(await run([{ $sortByCount: '$w' }, { $limit: 1 }, { $project: { count: 1, _id: 0 } }])).toEqual([
        { count: 2 },
      ]);
      expect(await run([{ $bucket: { groupBy: '$n', boundaries: [0, 4, 10], default: 'none' } }])).toEqual([
        { _id: 0, count: 2 },
        { _id: 4, count: 2 },
        { _id: 'none', count: 1 },
      ]);
    });

    it('groups numbers of one value together and keeps documents apart by field order', async () => {
      await fixture.rows.insertMany([
        { k: 1 },
        { k: Long.fromNumber(1) },
        { k: 1.5 },
        { k: null },
        {},
        { k: { a: 1, b: 2 } },
        { k: { b: 2, a: 1 } },
      ]);
      expect((await run([{ $group: { _id: '$k', n: { $sum: 1 } } }])).map((group) => group['n'])).toEqual([
        2, 1, 2, 1, 1,
      ]);
    });

    it('unwinds, joins, unites and splits', async () => {
      const { rows, db } = fixture;
      await rows.insertMany([{ _id: 1, tags: ['x', 'y'] }, { _id: 2, tags: [] }, { _id: 3 }]);
      await db.collection<Row>('names').insertMany([
        { _id: 'x', name: 'Ex' },
        { _id: 'z', name: 'Zed' },
      ]);
      expect(await run([{ $unwind: { path: '$tags', includeArrayIndex: 'i' } }])).toEqual([
        { _id: 1, tags: 'x', i: 0 },
        { _id: 1, tags: 'y', i: 1 },
      ]);
      expect(
        await run([{ $unwind: { path: '$tags', preserveNullAndEmptyArrays: true } }, { $match: { _id: { $gt: 1 } } }]),
      ).toEqual([{ _id: 2 }, { _id: 3 }]);
      expect(
        await run([
          { $match: { _id: 1 } },
          { $lookup: { from: 'names', localField: 'tags', foreignField: '_id', as: 'found' } },
        ]),
      ).toEqual([{ _id: 1, tags: ['x', 'y'], found: [{ _id: 'x', name: 'Ex' }] }]);
      expect(
        await run([
          { $match: { _id: 1 } },
          {
            $lookup: {
              from: 'names',
              let: { t: '$tags' },
              pipeline: [
                { $match: { $expr: { $not: [{ $in: ['$_id', '$$t'] }] } } },
                { $project: { name: 1, _id: 0 } },
              ],
              as: 'other.names',
            },
          },
          { $project: { tags: 0 } },
        ]),
      ).toEqual([{ _id: 1, other: { names: [{ name: 'Zed' }] } }]);
      expect(await run([{ $unionWith: 'names' }, { $count: 'n' }])).toEqual([{ n: 5 }]);
      expect(await run([{ $facet: { ids: [{ $project: { tags: 0 } }], n: [{ $count: 'n' }] } }])).toEqual([
        { ids: [{ _id: 1 }, { _id: 2 }, { _id: 3 }], n: [{ n: 3 }] },
      ]);
    });

    it('adds and replaces fields', async () => {
      await fixture.rows.insertOne({ _id: 1, a: { b: 1 }, list: [{ x: 1 }, { x: 2 }] });
      expect(await run([{ $addFields: { 'a.c': { $add: ['$a.b', 1] }, gone: '$$REMOVE', 'list.y': 0 } }])).toEqual([
        {
          _id: 1,
          a: { b: 1, c: 2 },
          list: [
            { x: 1, y: 0 },
            { x: 2, y: 0 },
          ],
        },
      ]);
      expect(await run([{ $replaceRoot: { newRoot: { $mergeObjects: ['$a', { xs: '$list.x' }] } } }])).toEqual([
        { b: 1, xs: [1, 2] },
      ]);
    });

    it('evaluates expressions', async () => {
      // oxlint-disable-next-line unicorn/no-thenable -- MongoDB calls the field so
      const branch = { case: { $eq: ['$n', null] }, then: 1 };
      expect(await evaluate({ $cond: [{ $gt: ['$n', 2] }, 'big', 'small'] }, { n: 3 })).toBe('big');
      expect(
        await evaluate({
          $switch: {
            branches: [branch],
            default: { $ifNull: ['$n', 'none'] },
          },
        }),
      ).toBe('none');
      expect(await evaluate({ $map: { input: '$a', as: 'x', in: { $multiply: ['$$x', 2] } } }, { a: [1, 2] })).toEqual([
        2, 4,
      ]);
      expect(await evaluate({ $filter: { input: '$a', cond: { $gte: ['$$this', 2] } } }, { a: [1, 2, 3] })).toEqual([
        2, 3,
      ]);
      expect(
        await evaluate(
          { $reduce: { input: '$a', initialValue: 0, in: { $add: ['$$value', '$$this'] } } },
          { a: [1, 2, 3] },
        ),
      ).toBe(6);
      expect(await evaluate({ $let: { vars: { x: 2 }, in: { $pow: ['$$x', 3] } } })).toBe(8);
      expect(await evaluate({ $concat: [{ $toUpper: 'ab' }, '-', { $toString: 5 }] })).toBe('AB-5');
      expect(await evaluate({ $concat: ['a', '$missing'] })).toBeNull();
      expect(await evaluate({ $substrCP: ['grüße', 2, 2] })).toBe('üß');
      expect(
        await evaluate({
          $setUnion: [
            [3, 1],
            [1, 2],
          ],
        }),
      ).toHaveLength(3);
      expect(
        await evaluate({
          $dateToString: { date: new Date('2024-02-29T05:06:07.008Z'), format: '%Y-%m-%d %H:%M:%S.%L %j' },
        }),
      ).toBe('2024-02-29 05:06:07.008 060');
      expect(await evaluate({ $isoWeek: new Date('2021-01-03T00:00:00Z') })).toBe(53);
      expect(await evaluate({ $subtract: [new Date(5000), new Date(2000)] })).toBe(3000);
      expect(
        await evaluate([
          { $divide: [7, 2] },
          { $mod: [-7, 3] },
          { $round: [2.5] },
          { $round: [1.255, 2] },
          { $trunc: -1.7 },
          { $abs: -3 },
        ]),
      ).toEqual([3.5, -1, 2, 1.26, -1, 3]);
      expect(await evaluate({ $arrayElemAt: ['$a', -1] }, { a: [1, 2] })).toBe(2);
      expect(await evaluate({ $size: '$a' }, { a: [1, 2] })).toBe(2);
      expect(await evaluate({ $type: '$a' }, {})).toBe('missing');
      expect(
        await evaluate({
          $eq: [
            [1, 2],
            [2, 1],
          ],
        }),
      ).toBe(false);
      expect(await evaluate({ $objectToArray: '$d' }, { d: { x: 1 } })).toEqual([{ k: 'x', v: 1 }]);
      await expect(evaluate({ $divide: [1, 0] })).rejects.toMatchObject({ ok: 0 });
      await expect(evaluate({ $add: ['x', 1] })).rejects.toMatchObject({ code: 14 });
    });
  });
}
