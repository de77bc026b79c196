import { CallRefused, type SocketClient } from '../e2e/support/server.js';

/** `open`: sent, and no answer came. */
type State = 'open' | 'acknowledged' | 'refused';

export interface Entry {
  /** The command id; also written into the command's content, so that the log shows whose content an event carries. */
  readonly id: string;
  readonly actor: string;
  readonly action: string;
  readonly payload: Record<string, unknown>;
  state: State;
  /** One try got no answer: it may still be under way, whatever a later one is answered. */
  unsettled?: true;
  /** Refused, but an earlier try may have been carried out after that. */
  mayStillCount?: true;
  reply?: unknown;
  refusal?: string;
}

const knownRefusals = new Set(['room.unknown', 'room.invalid.name_taken', 'protocol.denied']);

/** What the clients know of their commands: the other half of what the log must agree with. */
export class Ledger {
  readonly entries: Entry[] = [];
  /** What a client saw that it must never see. */
  readonly problems: string[] = [];
  /** How many commands were acknowledged so far. */
  acknowledged = 0;

  constructor(
    private readonly onAcknowledged: (count: number) => void = () => undefined,
    /** Codes that are no fault here besides the usual ones. */
    private readonly alsoFine: readonly string[] = [],
    /** Whether `server.unavailable` is no fault: the command is open until it is sent again. */
    private readonly storeMayStall = false,
  ) {}

  in(state: State): Entry[] {
    return this.entries.filter((entry) => entry.state === state);
  }

  /** Sends a new command. Never rejects; a lost connection leaves the entry open. */
  async send(client: SocketClient, command: Pick<Entry, 'id' | 'actor' | 'action' | 'payload'>): Promise<Entry> {
    const entry: Entry = { ...command, state: 'open' };
    this.entries.push(entry);
    await this.sendAgain(client, entry);
    return entry;
  }

  /** Sends the same command under the same id once more: an acknowledged one must get the reply it had. */
  async sendAgain(client: SocketClient, entry: Entry): Promise<void> {
    const { id, action, payload } = entry;
    let reply: unknown;
    try {
      reply = await client.call(action, { ...payload, command_id: id });
    } catch (error) {
      // Then nobody knows whether it was done: the contract says to send it again.
      const unknown = error instanceof CallRefused && error.code === 'server.unavailable' && this.storeMayStall;
      if (error instanceof CallRefused && !unknown) this.refused(entry, error.code);
      else entry.unsettled = true;
      return;
    }
    if (entry.state === 'acknowledged') {
      const [first, again] = [JSON.stringify(entry.reply), JSON.stringify(reply)];
      if (first !== again) this.problems.push(`${action} ${id} was answered ${first}, then ${again}`);
      return;
    }
    entry.state = 'acknowledged';
    entry.reply = reply;
    this.onAcknowledged(++this.acknowledged);
  }

  private refused(entry: Entry, code: string): void {
    const what = `${entry.action} ${entry.id}`;
    if (entry.state === 'acknowledged') this.problems.push(`${what} was acknowledged, then refused with ${code}`);
    else if (!knownRefusals.has(code) && !this.alsoFine.includes(code))
      this.problems.push(`${what} was refused with ${code}`);
    else {
      entry.state = 'refused';
      entry.refusal = code;
      // Where a try can outlive its connection, on another server, a later refusal says nothing about that try.
      if (entry.unsettled && this.storeMayStall) entry.mayStillCount = true;
    }
  }
}
