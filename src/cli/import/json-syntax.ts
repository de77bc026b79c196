const whitespace = /[ \t\n\r]*/y;
/** Control characters must be escaped; those from 7F on are not among JSON's. */
const string = String.raw`"(?:[^"\\\p{Cc}]|[\x7f-\x9f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"`;
const key = new RegExp(string, 'uy');
const scalar = new RegExp(String.raw`${string}|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null`, 'uy');

type Expected = 'value' | 'value or ]' | 'key' | 'key or }' | ':' | ', or ]' | ', or }' | 'nothing more';

/**
 * Where a text stops being JSON (RFC 8259), one-based, and what is expected there; undefined for a JSON text.
 * The messages of `JSON.parse` say it differently, or not at all, from one Node version to the next.
 */
export function syntaxError(text: string): { line: number; column: number; expected: string } | undefined {
  const open: ('[' | '{')[] = [];
  let at = 0;
  let expected: Expected = 'value';
  const skip = (token: RegExp): boolean => {
    token.lastIndex = at;
    const found = token.exec(text);
    if (found) at = token.lastIndex;
    return found !== null;
  };
  const afterValue = (): Expected => {
    const around = open.at(-1);
    return around === undefined ? 'nothing more' : around === '[' ? ', or ]' : ', or }';
  };
  for (;;) {
    skip(whitespace);
    const next = text[at];
    if (next === undefined && expected === 'nothing more') return undefined;
    const closes = (expected === ', or ]' || expected === 'value or ]') && next === ']';
    if (closes || ((expected === ', or }' || expected === 'key or }') && next === '}')) {
      at++;
      open.pop();
      expected = afterValue();
    } else if ((expected === ', or ]' || expected === ', or }') && next === ',') {
      at++;
      expected = expected === ', or ]' ? 'value' : 'key';
    } else if (expected === ':' && next === ':') {
      at++;
      expected = 'value';
    } else if ((expected === 'key' || expected === 'key or }') && skip(key)) {
      expected = ':';
    } else if ((expected === 'value' || expected === 'value or ]') && (next === '[' || next === '{')) {
      at++;
      open.push(next);
      expected = next === '[' ? 'value or ]' : 'key or }';
    } else if ((expected === 'value' || expected === 'value or ]') && skip(scalar)) {
      expected = afterValue();
    } else {
      return { ...placeOf(text, at), expected: names[expected] };
    }
  }
}

const names: Readonly<Record<Expected, string>> = {
  value: 'a value',
  'value or ]': 'a value or ]',
  key: 'a key in double quotes',
  'key or }': 'a key in double quotes or }',
  ':': ':',
  ', or ]': ', or ]',
  ', or }': ', or }',
  'nothing more': 'the end of the text',
};

function placeOf(text: string, at: number): { line: number; column: number } {
  const before = text.slice(0, at);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: at - lineStart + 1 };
}
