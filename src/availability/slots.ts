import { Refused } from '../eventsourcing/refused.js';
import { at, type Buffers, type Flat, type Range } from '../time/intervals.js';
import { dayMs, minuteMs, segmentsWithin, type Zone } from '../time/zones.js';

/** What a request for slots may ask for beside people and range, in whole minutes. */
export interface SlotOptions {
  readonly bufferBefore?: number;
  readonly bufferAfter?: number;
  readonly minimumNotice?: number;
  readonly slotLength?: number;
  readonly slotStep?: number;
}

export interface TimeSlot {
  readonly startDate: Date;
  readonly endDate: Date;
}

const mostSlots = 10_000;

export const buffersOf = ({ bufferBefore = 0, bufferAfter = 0 }: SlotOptions): Buffers => ({
  before: bufferBefore * minuteMs,
  after: bufferAfter * minuteMs,
});

/** The next whole minute, and when the notice after it ends: nothing earlier is offered. */
export function horizon(instant: number, { minimumNotice = 0 }: SlotOptions): { now: number; bookable: number } {
  const now = Math.ceil(instant / minuteMs) * minuteMs;
  return { now, bookable: now + minimumNotice * minuteMs };
}

/** @throws Refused protocol.invalid for a step that would give too many slots */
export function requireFewSlots({ from, until }: Range, { slotLength, slotStep = slotLength }: SlotOptions): void {
  if (slotStep === undefined) return;
  const least = Math.ceil((until - from) / minuteMs / mostSlots);
  if (slotStep >= least) return;
  const message = `slotStep must be at least ${least} for this range`;
  throw new Refused('protocol.invalid', message, [{ field: 'slotStep', message }]);
}

/**
 * Free time as slots: whole, or with a `slotLength` single ones of it, each beginning where the wall clock of the zone
 * shows a multiple of the step after midnight.
 */
export function slotsOf(free: Flat, zone: Zone, { slotLength, slotStep = slotLength }: SlotOptions): Flat {
  if (slotLength === undefined || slotStep === undefined) return free;
  const [length, step] = [slotLength * minuteMs, slotStep * minuteMs];
  const slots: number[] = [];
  for (let index = 0; index < free.length; index += 2) {
    const [start, end] = [at(free, index), at(free, index + 1)];
    // An offset is one for the whole of a segment: there, the wall clock goes on as time does.
    for (const { from, until, offset } of segmentsWithin(zone, { from: start, until: end })) {
      const last = Math.min(until - 1, end - length);
      for (
        let slot = onGrid(from + offset, step) - offset;
        slot <= last;
        slot = onGrid(slot + offset + 1, step) - offset
      )
        slots.push(slot, slot + length);
    }
  }
  return slots;
}

/** The first local time from here on that is a multiple of the step after its midnight. */
function onGrid(local: number, step: number): number {
  const midnight = Math.floor(local / dayMs) * dayMs;
  return Math.min(midnight + Math.ceil((local - midnight) / step) * step, midnight + dayMs);
}

export function spansOf(intervals: Flat): TimeSlot[] {
  const spans: TimeSlot[] = [];
  for (let index = 0; index < intervals.length; index += 2)
    spans.push({ startDate: new Date(at(intervals, index)), endDate: new Date(at(intervals, index + 1)) });
  return spans;
}
