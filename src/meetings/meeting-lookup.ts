import type { CommandLoop } from '../eventsourcing/handle.js';
import { meetings } from './meetings.js';

/** Says whom a meeting is for, from its stream itself: what one server decided the next one knows at once. */
export class MeetingLookup {
  constructor(private readonly loop: Pick<CommandLoop, 'stateOf'>) {}

  /** The organizer and all who were ever invited; nobody where this world has no such meeting, or has it no more. */
  async ofMeeting(meeting: string, world: string): Promise<readonly string[]> {
    const state = await this.loop.stateOf(meetings, meeting);
    return state.status === 'planned' && state.world === world ? state.users : [];
  }
}
