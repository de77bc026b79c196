import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { Refused } from '../../src/eventsourcing/refused.js';
import { parseJson } from '../../src/gateway/json.js';

const nested = (depth: number): string => '[{"a":'.repeat(depth / 2) + '1' + '}]'.repeat(depth / 2);

describe('parseJson', () => {
  it.each([
    ['no JSON', '{"a":', 'This is not valid JSON.'],
    ['nothing', '', 'This is not valid JSON.'],
    ['a __proto__ key', '{"a":[{"__proto__":{"admin":true}}]}', 'The keys __proto__ and'],
    ['an escaped __proto__ key', String.raw`{"\u005f_pr\u006fto__":1}`, 'The keys __proto__ and'],
    ['a constructor.prototype key', '{"constructor":{"prototype":{}}}', 'The keys __proto__ and'],
    ['an escaped one', String.raw`[{"c\u006fnstructor":{"prototyp\u0065":1}}]`, 'The keys __proto__ and'],
    ['a number beyond doubles', '[1e999]', 'A number is too large.'],
    ['one without an exponent', `{"a":-${'9'.repeat(400)}}`, 'A number is too large.'],
    ['a bare one', '1e999', 'A number is too large.'],
    ['a lone high surrogate', String.raw`["\ud83d"]`, 'A string holds half'],
    ['a lone low surrogate', String.raw`["a\uDC4Fb"]`, 'A string holds half'],
    ['surrogates in the wrong order', String.raw`["\udc4f\ud83d"]`, 'A string holds half'],
    ['an unescaped lone surrogate', '["\ud83d"]', 'A string holds half'],
    ['a key with a lone surrogate', String.raw`{"\ud83d":1}`, 'A key holds'],
    ['a key with NUL', String.raw`{"a\u0000b":1}`, 'A key holds'],
    ['33 levels', `[${nested(32)}]`, 'JSON may be nested 32 levels deep.'],
    ['a very deep text', '['.repeat(30_000) + ']'.repeat(30_000), 'JSON may be nested 32 levels deep.'],
  ])('refuses %s', (_case, text, message) => {
    const refuse = (): unknown => parseJson(text);
    expect(refuse).toThrow(Refused);
    expect(refuse).toThrow(message);
  });

  it.each([
    ['32 levels', nested(32)],
    ['surrogate pairs, escaped or not', String.raw`{"\ud83d\udc4f":"👏 \ud83d\udc4f"}`],
    ['NUL in a value', String.raw`["\u0000"]`],
    ['a constructor that is data', '{"constructor":"Bauer AG","prototype":1}'],
    ['a value that only looks like a key', String.raw`{"a":"__proto__","b":"\\ud83d"}`],
    ['large and small numbers', '[1e308,-1e-308,9007199254740993,-0]'],
  ])('takes %s', (_case, text) => {
    expect(parseJson(text)).toEqual(JSON.parse(text));
  });

  it('takes any JSON of moderate depth unchanged', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 10, stringUnit: 'grapheme' }), (value) => {
        fc.pre(!JSON.stringify(value).includes('__proto__'));
        expect(parseJson(JSON.stringify(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('quotes nothing of the text', () => {
    for (const text of ['secret', '{"secret"', '["secret\\ud83d"]', '{"secret\\u0000":1}']) {
      expect(() => parseJson(text)).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining('secret') }),
      );
    }
  });
});
