import { randomUUID } from 'node:crypto';
import type { NewEvent, RecordedEvent } from '../../src/eventsourcing/events.js';
import { defineReadModel } from '../../projections/engine/read-model.js';
import type { Upcast } from '../../projections/engine/fold.js';

/** A toy domain: notes land in many boxes at once, labels in one, and a spoilt note cannot be folded. */
export type TallyEvent =
  | { type: 'Noted'; data: { boxes: string[]; note: string } }
  | { type: 'Spoilt'; data: { boxes: string[]; note: string } }
  | { type: 'Labelled'; data: { box: string; label: string } }
  | { type: 'Ignored'; data: { note: string } };

export interface Box {
  /** In the order they were folded: shows a lost, repeated or reordered event. */
  readonly notes: readonly string[];
  readonly label?: string;
}

const EMPTY: Box = { notes: [] };

export function tally(version = 1, name = 'tally') {
  return defineReadModel<Box, TallyEvent>({
    name,
    version,
    indexes: [{ label: 1 }],
    on: {
      Noted: {
        keys: ({ data }) => data.boxes,
        apply: (row = EMPTY, { data }) => ({ ...row, notes: [...row.notes, data.note] }),
      },
      // A label does not make a box: it changes only one that is there.
      Labelled: { keys: ({ data }) => [data.box], apply: (row, { data }) => row && { ...row, label: data.label } },
      Spoilt: {
        keys: ({ data }) => data.boxes,
        // Fails on its last box, after the first ones were folded.
        apply: (row = EMPTY, { data }, key) => {
          if (key === data.boxes.at(-1)) throw new Error('cannot be folded');
          return { ...row, notes: [...row.notes, data.note] };
        },
      },
    },
  });
}

/** Makes the spoilt notes of these streams foldable, as a new version of the code would. */
export const repair =
  (streams: ReadonlySet<string>): Upcast =>
  (event) =>
    event.type === 'Spoilt' && streams.has(event.stream) ? { ...event, type: 'Noted' } : event;

/** What the read model must hold, computed as plainly as possible. */
export function coldReplay(events: readonly RecordedEvent[], repaired: ReadonlySet<string> = new Set()) {
  const boxes = new Map<string, Box>();
  const parked = new Set<string>();
  for (const { type, data, stream } of events as readonly (RecordedEvent & TallyEvent)[]) {
    if (parked.has(stream)) continue;
    if (type === 'Noted' || (type === 'Spoilt' && repaired.has(stream))) {
      for (const box of new Set(data.boxes)) {
        const before = boxes.get(box);
        boxes.set(box, { ...before, notes: [...(before?.notes ?? []), data.note] });
      }
    } else if (type === 'Labelled') {
      const box = boxes.get(data.box);
      if (box) boxes.set(data.box, { ...box, label: data.label });
    } else if (type === 'Spoilt' && data.boxes.length > 0) {
      parked.add(stream);
    }
  }
  return { boxes, parked: [...parked].toSorted() };
}

export function newEvent(event: TallyEvent): NewEvent {
  const id = randomUUID();
  const metadata = {
    commandId: id,
    action: 'tally',
    correlationId: id,
    causationId: id,
    actorId: 'someone',
    world: 'w1',
    schema: 1,
    at: '2026-01-01T00:00:00.000Z',
  };
  return { ...event, id, metadata };
}
