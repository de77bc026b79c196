import type { JsonObject } from '../../eventsourcing/events.js';
import { defaultLimits } from '../../gateway/limits.js';
import type { ScheduleRoom } from './schedule.js';

/** Around the payload: brackets, the action's name and the call's id. */
const frameOverhead = 100;
const maxPayloadBytes = defaultLimits.maxFrameBytes - frameOverhead;

/** A room's payload in one frame. What does not fit loses its longest abstracts first; a room that cannot fit is refused. */
export class Fitted {
  readonly payload: JsonObject;
  readonly warnings: string[] = [];
  readonly problem: string | undefined;

  constructor(room: ScheduleRoom, payloadOf: (sessions: ScheduleRoom['sessions']) => JsonObject) {
    let { sessions } = room;
    let payload = payloadOf(sessions);
    let excess = bytesOf(payload) - maxPayloadBytes;
    const longestFirst = sessions
      .filter(({ abstract }) => abstract !== undefined)
      .toSorted((a, b) => (b.abstract ?? '').length - (a.abstract ?? '').length);
    for (const { id, title } of longestFirst) {
      if (excess <= 0) break;
      sessions = sessions.map((session) => {
        const { abstract: _abstract, ...rest } = session;
        return session.id === id ? rest : session;
      });
      payload = payloadOf(sessions);
      excess = bytesOf(payload) - maxPayloadBytes;
      this.warnings.push(`room ${JSON.stringify(room.name)}: left out the abstract of session ${id} (${short(title)})`);
    }
    this.payload = payload;
    if (excess > 0) {
      this.problem =
        `room ${JSON.stringify(room.name)}: its ${sessions.length} sessions are ${excess} bytes too large ` +
        `for one frame of ${defaultLimits.maxFrameBytes / 1024} KiB, even without abstracts`;
    }
  }
}

const bytesOf = (payload: JsonObject): number => Buffer.byteLength(JSON.stringify(payload));

const short = (title: string): string => (title.length > 60 ? `${title.slice(0, 60)}…` : title);
