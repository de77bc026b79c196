import type { CommandLoop } from '../eventsourcing/handle.js';
import type { Invite, Invites } from '../identity/sign-in.js';
import { inviteTokens, roomInvites } from './invites.js';

const form = /^[A-Za-z0-9]{6}$/;

/** Finds invites by their token, in the streams themselves: what one server gave out the next one knows at once. */
export class InviteLookup implements Invites {
  constructor(private readonly loop: CommandLoop) {}

  async find(token: string): Promise<Invite | undefined> {
    if (!form.test(token)) return undefined;
    const { room } = await this.loop.stateOf(inviteTokens, token);
    if (room === undefined) return undefined;
    const { state, position } = await this.loop.momentOf(roomInvites, room);
    const expiresAt = state.invites.get(token);
    return expiresAt === undefined ? undefined : { room, expiresAt, position };
  }
}
