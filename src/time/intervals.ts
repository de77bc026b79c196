/**
 * Half-open intervals [start, end) of whole numbers, epoch milliseconds or minutes, one after the other in one list:
 * s0, e0, s1, e1, … Sorted, disjoint, neither touching nor empty, unless a function says that it takes any (`merge`).
 */
export type Flat = readonly number[];

export interface Range {
  readonly from: number;
  readonly until: number;
}

/** When a person may be met at all, and when the person is taken. */
export interface Agenda {
  readonly available: Flat;
  readonly busy: Flat;
}

/** Time that a meeting needs around itself, in the unit of the intervals. */
export interface Buffers {
  readonly before: number;
  readonly after: number;
}

const none: Buffers = { before: 0, after: 0 };
const always: Range = { from: -Infinity, until: Infinity };
/** Only for an index that is there. */
export const at = (intervals: Flat, index: number): number => intervals[index] as number;

/**
 * When all of the people can meet within the range: whatever lies in one of these intervals is in everybody's available
 * time, and with its buffers touches nobody's busy time. The one function that offers slots and decides bookings.
 */
export function freeIntervals(people: readonly Agenda[], range: Range, { before, after }: Buffers = none): Flat {
  let free: number[] = range.from < range.until ? [range.from, range.until] : [];
  let kept: number[] = [];
  let length = free.length;
  for (const { available, busy } of people) {
    // Elements are read in place: a helper for it would be slow, since it sees lists of all kinds.
    let found = 0;
    let open = firstAfter(available, range.from);
    let taken = firstAfter(busy, range.from - before);
    for (let index = 0; index < length && open < available.length;) {
      const freeEnd = free[index + 1] as number;
      const openEnd = available[open + 1] as number;
      const end = freeEnd < openEnd ? freeEnd : openEnd;
      let start = Math.max(free[index] as number, available[open] as number);
      while (start < end) {
        // What ends before here, the buffer after it included, is behind: no later start needs it again.
        while (taken < busy.length && (busy[taken + 1] as number) + before <= start) taken += 2;
        const next = taken < busy.length ? (busy[taken] as number) - after : Infinity;
        if (next > start) {
          kept[found++] = start;
          kept[found++] = next < end ? next : end;
        }
        if (next >= end) break;
        start = (busy[taken + 1] as number) + before;
      }
      if (freeEnd === end) index += 2;
      else open += 2;
    }
    [free, kept, length] = [kept, free, found];
  }
  return free.slice(0, length);
}

/** Whether none of the range is taken: what decides a booking. */
export function isFree(busy: Flat, range: Range): boolean {
  const [from, until] = freeIntervals([{ available: [range.from, range.until], busy }], range);
  return from === range.from && until === range.until;
}

/** Any intervals, in any order, as sorted and disjoint ones: overlapping and touching ones become one, empty ones go. */
export function merge(intervals: Flat): Flat {
  const pairs: [number, number][] = [];
  for (let index = 0; index < intervals.length; index += 2) {
    const pair: [number, number] = [at(intervals, index), at(intervals, index + 1)];
    if (pair[0] < pair[1]) pairs.push(pair);
  }
  pairs.sort(([a], [b]) => a - b);
  const merged: number[] = [];
  let end = -Infinity;
  for (const [from, until] of pairs) {
    if (merged.length === 0 || from > end) {
      merged.push(from, until);
      end = until;
    } else if (until > end) {
      merged[merged.length - 1] = until;
      end = until;
    }
  }
  return merged;
}

/** What is in `intervals` and not in `cut`. */
export function subtract(intervals: Flat, cut: Flat): Flat {
  return freeIntervals([{ available: intervals, busy: cut }], always);
}

/** What is in both. */
export function intersect(intervals: Flat, others: Flat): Flat {
  return freeIntervals(
    [
      { available: intervals, busy: [] },
      { available: others, busy: [] },
    ],
    always,
  );
}

/** What lies within the range. */
export function clip(intervals: Flat, range: Range): Flat {
  return freeIntervals([{ available: intervals, busy: [] }], range);
}

/** Index of the first interval that ends after the moment. */
function firstAfter(intervals: Flat, moment: number): number {
  let [low, high] = [0, intervals.length / 2];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (at(intervals, 2 * middle + 1) > moment) high = middle;
    else low = middle + 1;
  }
  return 2 * low;
}
