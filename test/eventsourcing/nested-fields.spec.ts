import { describe, expect, it } from '@jest/globals';
import { Refused } from '../../src/eventsourcing/refused.js';
import { Must, Nested, NestedList, Optional, Text, toCommand } from '../../src/eventsourcing/validation.js';

class Part {
  @Text(5) name!: string;
  @Optional() @Must('a number', (value) => typeof value === 'number') size?: number;
}

class Whole {
  @Nested(Part) part!: Part;
  @Optional() @NestedList(Part, 2) parts?: readonly Part[];
}

class Build {
  readonly type = 'Build' as const;
  @Text(5) id!: string;
  @Nested(Whole) whole!: Whole;
}

const problemsOf = (payload: unknown): unknown => {
  try {
    return toCommand(Build, payload);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    expect(error.code).toBe('protocol.invalid');
    return error.details;
  }
};
const part = { name: 'a' };

describe('objects within a command', () => {
  it('have their fields, and are otherwise as they were sent', () => {
    const sent = { id: 'b-1', whole: { part: { name: 'a', size: 2 }, parts: [part] } };
    expect(JSON.parse(JSON.stringify(toCommand(Build, sent)))).toEqual({ ...sent, type: 'Build' });
  });

  it.each<[string, unknown, string, string]>([
    ['one that is missing', {}, 'whole.part', 'whole.part must be an object'],
    ['a text for an object', { part: 'x' }, 'whole.part', 'whole.part must be an object'],
    ['a list for an object', { part: [part] }, 'whole.part', 'whole.part must be an object'],
    [
      'a field that does not fit',
      { part: { name: 1 } },
      'whole.part.name',
      'whole.part.name must be a text of 1 to 5 characters',
    ],
    [
      'an unknown field',
      { part: { ...part, nmae: 1 } },
      'whole.part.nmae',
      'whole.part.nmae is not a field of this action',
    ],
    [
      'a field of every object',
      { part: { ...part, hasOwnProperty: 1 } },
      'hasOwnProperty',
      'hasOwnProperty is not a field of this action',
    ],
    [
      'a constructor',
      { part: { ...part, constructor: 1 } },
      'constructor',
      'constructor is not a field of this action',
    ],
    ['an object for a list', { part, parts: part }, 'whole.parts', 'whole.parts must be a list of up to 2 objects'],
    [
      'a list that is too long',
      { part, parts: [part, part, part] },
      'whole.parts',
      'whole.parts must be a list of up to 2 objects',
    ],
    ['a text in a list', { part, parts: [part, 'x'] }, 'whole.parts', 'whole.parts must be a list of up to 2 objects'],
    [
      'a field in a list',
      { part, parts: [part, { name: '' }] },
      'whole.parts[1].name',
      'whole.parts[1].name must be a text of 1 to 5 characters',
    ],
    [
      'an unknown field in a list',
      { part, parts: [{ ...part, x: 1 }] },
      'whole.parts[0].x',
      'whole.parts[0].x is not a field of this action',
    ],
  ])('%s is named with its place', (_what, whole, field, message) => {
    expect(problemsOf({ id: 'b-1', whole })).toEqual([{ field, message }]);
  });

  it('are all told at once', () => {
    expect(problemsOf({ id: '', whole: { part: {}, parts: [{ name: 'abcdef' }] } })).toMatchObject([
      { field: 'id' },
      { field: 'whole.part.name' },
      { field: 'whole.parts[0].name' },
    ]);
  });
});
