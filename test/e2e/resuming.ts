import { SocketClient, type SocketEvent } from './support/server.js';

/** What the stored log and a received event are compared by. */
export interface Got {
  readonly id: string;
  readonly subject: string;
  readonly revision: string;
  readonly position: string;
}

type Place = { readonly url: string; readonly world: string; readonly token: string };

/** A client that follows topics over many connections, each going on where the last one was cut. */
export class Resuming {
  /** Events in the order received. */
  readonly got: Got[] = [];
  /** How many of them came after a `caught_up`. */
  live = 0;
  /** Topics it was refused because it lost sight of their room. */
  readonly refused: string[] = [];
  #client: SocketClient | undefined;

  constructor(
    private readonly place: Place,
    private topics: readonly string[],
    private position: string,
  ) {}

  /** Connects and subscribes; resolves when caught up. Nothing of this connection counts once it is cut. */
  async resume(): Promise<void> {
    const client = await SocketClient.connect({ ...this.place, timeoutMs: 30_000 });
    this.#client = client;
    let isLive = false;
    let caughtUp = (): void => {};
    const isCaughtUp = new Promise<void>((resolve) => (caughtUp = resolve));
    client.onEvent((event) => {
      if (this.#client !== client) return;
      if (event.name === 'event') this.take(event, isLive);
      if (event.name !== 'caught_up') return;
      isLive = true;
      this.position = (event.body as Got).position;
      caughtUp();
    });
    await this.subscribe(client);
    await Promise.race([isCaughtUp, client.closed]);
  }

  /** Ends the connection without a word, whatever is on its way. */
  cut(): void {
    const client = this.#client;
    this.#client = undefined;
    client?.ws.terminate();
  }

  private async subscribe(client: SocketClient): Promise<void> {
    try {
      await client.call('events.subscribe', { topics: this.topics, after: this.position });
    } catch (error) {
      // A room it may no longer view: it goes on with the rest.
      const { code, details } = error as { code?: string; details?: readonly { readonly message: string }[] };
      if (code !== 'protocol.denied') throw error;
      const index = Number(/^topics\[(\d+)\]/.exec(details?.[0]?.message ?? '')?.[1]);
      this.refused.push(this.topics[index] ?? 'none');
      this.topics = this.topics.filter((_topic, at) => at !== index);
      await this.subscribe(client);
    }
  }

  private take({ body }: SocketEvent, isLive: boolean): void {
    const { id, subject, revision, position } = body as Got;
    this.got.push({ id, subject, revision, position });
    this.position = position;
    if (isLive) this.live++;
  }
}

/** Each stream's events came in its order, each once. */
export function outOfOrder(got: readonly Got[]): Got[] {
  const reached = new Map<string, bigint>();
  return got.filter(({ subject, revision }) => {
    const isLater = BigInt(revision) > (reached.get(subject) ?? -1n);
    if (isLater) reached.set(subject, BigInt(revision));
    return !isLater;
  });
}
