import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { percentOf, showProgress } from '../../projections/engine/progress.js';

const at = (position: bigint, head = 200n) => ({ model: 'tally', position, head });

describe('the progress of a rebuild', () => {
  it('is a whole percentage that ends at 100, also for an empty log', () => {
    expect(percentOf(at(-1n))).toBe(0);
    expect(percentOf(at(99n))).toBe(49);
    expect(percentOf(at(200n))).toBe(100);
    expect(percentOf(at(-1n, -1n))).toBe(100);
    expect(percentOf(at(2n ** 62n, 2n ** 63n))).toBe(50);
  });

  it('is a line every ten percent where there is no terminal', () => {
    const output = new PassThrough();
    const display = showProgress(output);
    for (const position of [0n, 1n, 50n, 51n, 199n, 200n, 200n]) display.show(at(position));
    display.done();
    const lines = String(output.read()).trim().split('\n');
    expect(lines.map((line) => line.split('%')[0])).toEqual(['tally: 0', 'tally: 25', 'tally: 99', 'tally: 100']);
    expect(lines.at(-1)).toBe('tally: 100% (position 200 of 200)');
  });

  it('is a bar on a terminal', () => {
    const output = Object.assign(new PassThrough(), { isTTY: true });
    const terminal = Object.assign(output, { cursorTo: () => true, clearLine: () => true, moveCursor: () => true });
    const display = showProgress(terminal);
    display.show(at(100n));
    display.show(at(200n));
    display.done();
    expect(String(output.read())).toContain('position 200 of 200');
  });
});
