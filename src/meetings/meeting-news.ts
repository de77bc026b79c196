import type { RecordedEvent } from '../eventsourcing/events.js';
import type { CommandLoop } from '../eventsourcing/handle.js';
import type { Broadcast } from '../gateway/broadcast.js';
import type { SocketLog } from '../gateway/handler.js';
import type { LiveLog } from '../gateway/live-log.js';
import { meetingView } from './meeting-views.js';
import { meetings, participantIds, type Meeting } from './meetings.js';
import type { OldMeetings } from './old-meetings.js';

export interface MeetingNewsParts {
  readonly live: Pick<LiveLog, 'onEvents' | 'publish'>;
  /** Who is connected here. */
  readonly people: Pick<Broadcast, 'hasPeople'>;
  readonly loop: Pick<CommandLoop, 'stateOf'>;
  readonly old: Pick<OldMeetings, 'view'>;
  readonly log: SocketLog;
}

const need = { permission: 'world:view', account: true } as const;

/** Tells a meeting's people on this node what becomes of it, as the log says. To be made before the live log starts. */
export class MeetingNews {
  /** The last work on each meeting: what is told of one meeting is told in the order it happened. */
  private readonly turns = new Map<string, Promise<void>>();

  constructor(private readonly parts: MeetingNewsParts) {
    parts.live.onEvents((events) => {
      for (const event of events) if (Object.hasOwn(meetings.events, event.type)) this.take(event);
    });
  }

  /** Resolves when all that was taken so far was told. */
  async settled(): Promise<void> {
    await Promise.all(this.turns.values());
  }

  private take(event: RecordedEvent): void {
    const { meetingId, users } = event.data;
    const { world } = event.metadata;
    if (typeof meetingId !== 'string' || !Array.isArray(users)) return;
    // Most events are of people who are not connected here: what nobody hears is not worth a look at the stream.
    const people = users.filter((user) => typeof user === 'string');
    if (!this.parts.people.hasPeople(world, people)) return;
    const turn = this.inTurn(this.turns.get(meetingId), event, meetingId, world);
    this.turns.set(meetingId, turn);
    const done = async (): Promise<void> => {
      await turn;
      if (this.turns.get(meetingId) === turn) this.turns.delete(meetingId);
    };
    void done();
  }

  /** Never fails: what cannot be told must not stop what comes after it. */
  private async inTurn(before: Promise<void> | undefined, event: RecordedEvent, meetingId: string, world: string) {
    await before;
    try {
      await this.tell(event, meetingId, world);
    } catch (error) {
      const { position, type } = event;
      this.parts.log.error({ err: error, position: String(position), type }, 'people could not be told of a meeting');
    }
  }

  private async tell({ type, position }: RecordedEvent, meetingId: string, world: string): Promise<void> {
    const { live, loop, old, people: here } = this.parts;
    const meeting = await loop.stateOf(meetings, meetingId, position);
    if (meeting.status === 'none') return;
    // Who declines hears of it once more.
    const before = await loop.stateOf(meetings, meetingId, position - 1n);
    const people = [...new Set([...participantsOf(before), ...participantsOf(meeting)])];
    const told = { people, world, need };
    const hasOld = here.hasPeople(world, people, { deprecated: true });
    if (type === 'MeetingDeleted') {
      live.publish({ ...told, name: 'meeting:onMeetingDeleted', body: { meetingId } });
      if (hasOld) live.publish({ ...told, name: 'meeting:meetingDeleted', body: { meetingId }, deprecated: true });
      return;
    }
    const name = type === 'MeetingCreated' ? 'meeting:onMeetingCreated' : 'meeting:onMeetingUpdated';
    live.publish({ ...told, name, body: { meeting: meetingView(meeting) } });
    if (type === 'MeetingCreated' || !hasOld) return;
    const view = await old.view(meeting, position);
    live.publish({ ...told, name: 'meeting:meetingUpdated', body: { meeting: view }, deprecated: true });
  }
}

const participantsOf = (meeting: Meeting): string[] => (meeting.status === 'none' ? [] : participantIds(meeting));
