import type { ProjectionReader } from '../../projections/engine/reader.js';
import type { EventStore } from '../event-store/event-store.js';
import type { LiveLog } from '../gateway/live-log.js';
import type { ReadStore } from '../read-store/read-store.js';
import { within } from '../waiting.js';

type Part = 'ok' | 'behind' | 'unavailable';

export interface Health {
  readonly status: 'ok' | 'unavailable';
  readonly eventStore: Part;
  readonly readStore: Part;
  readonly liveLog: Part;
  /** Positions are decimal strings. */
  readonly projections: Readonly<Record<string, { status: Part; position: string; head: string; parked: number }>>;
}

const timeoutMs = 2_000;
/** A subscription that lacks events for so long does not follow the log any more. */
const behindForMs = 2_000;

/** Ready means: both stores answer, the live log and every projection have caught up. Parked streams are shown, and do not make it unready. */
export class Readiness {
  constructor(
    private readonly store: EventStore,
    private readonly readStore: ReadStore,
    private readonly reader: ProjectionReader,
    private readonly live: LiveLog,
  ) {}

  async check(): Promise<Health> {
    const [eventStore, readStore, lag] = await Promise.all([
      part(this.store.head()),
      part(this.readStore.ping()),
      inTime(this.reader.lag()).catch(() => undefined),
    ]);
    const liveLog = this.live.live && (this.store.behindMs ?? 0) < behindForMs ? 'ok' : 'behind';
    const projections = Object.fromEntries(
      (lag ?? []).map(({ model, caughtUp, position, head, parked }) => [
        model,
        {
          status: caughtUp ? ('ok' as const) : ('behind' as const),
          position: String(position),
          head: String(head),
          parked,
        },
      ]),
    );
    const parts: Part[] = [eventStore, readStore, liveLog, ...Object.values(projections).map(({ status }) => status)];
    const ok = lag !== undefined && parts.every((one) => one === 'ok');
    return { status: ok ? 'ok' : 'unavailable', eventStore, readStore, liveLog, projections };
  }
}

const part = (answer: Promise<unknown>): Promise<Part> =>
  inTime(answer).then(
    () => 'ok',
    () => 'unavailable',
  );

function inTime<T>(work: Promise<T>): Promise<T> {
  return within(timeoutMs, work, () => new Error('no answer in time'));
}
