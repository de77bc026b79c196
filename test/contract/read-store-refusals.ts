import { describe, expect, it } from '@jest/globals';
import type { Document } from 'mongodb';
import type { Fixture } from './read-store-fixture.js';

/** What is wrong for every server is refused with MongoDB's codes, however deep it is. */
export function refusalContract(fixture: Fixture): void {
  /** The error a command fails with. */
  const refused = (command: Document): Promise<unknown> =>
    fixture.db.command(command).then(
      () => undefined,
      (error: unknown) => error,
    );

  describe('refusals', () => {
    it('names unknown commands, operators, stages, expressions and fields', async () => {
      await fixture.rows.insertOne({ a: 1 });
      expect(await refused({ nope: 1 })).toMatchObject({ code: 59, codeName: 'CommandNotFound' });
      expect(await refused({ find: 'rows', filter: { a: { $nope: 1 } } })).toMatchObject({
        code: 2,
        codeName: 'BadValue',
      });
      expect(await refused({ find: 'rows', filter: { $nope: 1 } })).toMatchObject({ code: 2, codeName: 'BadValue' });
      expect(await refused({ find: 'rows', filter: { $or: [{ a: { $not: { $nope: 1 } } }] } })).toMatchObject({
        code: 2,
        codeName: 'BadValue',
      });
      expect(await refused({ find: 'rows', filter: { a: { $elemMatch: { $nope: 1 } } } })).toMatchObject({
        code: 2,
        codeName: 'BadValue',
      });
      expect(await refused({ find: 'rows', filter: { $expr: { $and: [{ $nope: 1 }] } } })).toMatchObject({
        code: 168,
        codeName: 'InvalidPipelineOperator',
      });
      expect(await refused({ find: 'none', filter: { a: { $nope: 1 } } })).toMatchObject({
        code: 2,
        codeName: 'BadValue',
      });
      expect(await refused({ aggregate: 'rows', pipeline: [{ $nope: 1 }], cursor: {} })).toMatchObject({ code: 40324 });
      expect(
        await refused({ aggregate: 'rows', pipeline: [{ $facet: { a: [{ $nope: 1 }] } }], cursor: {} }),
      ).toMatchObject({ code: 40324 });
      expect(
        await refused({
          aggregate: 'rows',
          pipeline: [{ $project: { x: { $cond: [{ $nope: 1 }, 1, 2] } } }],
          cursor: {},
        }),
      ).toMatchObject({ code: 168 });
      expect(
        await refused({ aggregate: 'rows', pipeline: [{ $group: { _id: 1, x: { $nope: 1 } } }], cursor: {} }),
      ).toMatchObject({ code: 15952 });
      expect(await refused({ aggregate: 'rows', pipeline: [] })).toMatchObject({ code: 9, codeName: 'FailedToParse' });
      expect(await refused({ find: 'rows', nope: 1 })).toMatchObject({ code: 40415 });
      expect(await refused({ find: 'rows', filter: 5 })).toMatchObject({ code: 14, codeName: 'TypeMismatch' });
      expect(await refused({ find: 'rows', filter: { a: { $in: 5 } } })).toMatchObject({ code: 2 });
      expect(await refused({ find: 'rows', hint: 'nope_1' })).toMatchObject({ code: 2, codeName: 'BadValue' });
    });

    it('refuses a document that is too large, and ids that cannot be', async () => {
      const { rows } = fixture;
      await rows.insertOne({ _id: 1, half: 'x'.repeat(9_000_000) });
      await expect(rows.updateOne({ _id: 1 }, [{ $set: { other: '$half' } }])).rejects.toMatchObject({
        code: expect.any(Number),
      });
      expect(Object.keys((await rows.findOne({}, { projection: { half: 0 } })) ?? {})).toEqual(['_id']);
      await expect(rows.insertOne({ _id: [1] })).rejects.toMatchObject({ code: expect.any(Number) });
      await expect(rows.insertOne({ _id: /x/ })).rejects.toMatchObject({ code: expect.any(Number) });
    });

    it('refuses bad names', async () => {
      await expect(fixture.db.collection('a').insertOne({ x: 1 })).resolves.toBeDefined();
      expect(await refused({ insert: '', documents: [{ a: 1 }] })).toMatchObject({
        code: 73,
        codeName: 'InvalidNamespace',
      });
      expect(await refused({ insert: 'sys$tem', documents: [{ a: 1 }] })).toMatchObject({
        code: 73,
        codeName: 'InvalidNamespace',
      });
    });
  });
}
