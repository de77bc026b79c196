import type { EventStore } from '../event-store/event-store.js';
import { formatPosition } from '../event-store/position.js';
import { Refused } from '../eventsourcing/refused.js';
import type { AuditKey } from './audit-key.js';
import { signHeads } from './heads.js';
import { verifyChain, type ChainProblem } from './verify-chain.js';

/** The answer to `GET /audit/verify`. */
export interface VerifyAnswer {
  readonly ok: boolean;
  /** Of the world, as far as they were checked. */
  readonly events: number;
  readonly streams: number;
  /** The first event that does not fit; revision and position as texts. */
  readonly problem?: Omit<ChainProblem, 'revision' | 'position'> & {
    readonly revision?: string;
    readonly position?: string;
  };
  /** Signed heads of the world's streams, if all is well. */
  readonly heads?: string;
}

/** Verifies worlds of the running server's log, each one at a time: every verification reads the whole log. */
export class Verifier {
  private readonly running = new Set<string>();

  constructor(
    private readonly store: EventStore,
    private readonly key: AuditKey,
  ) {}

  /** @throws Refused rate_limited while another verification of this world runs; StoreUnavailable */
  async verify(world: string, signal: AbortSignal): Promise<VerifyAnswer> {
    if (this.running.has(world)) throw new Refused('rate_limited', 'This world is being verified; try again later.');
    this.running.add(world);
    try {
      const report = await verifyChain(this.store.readAll(), { world, signal, store: this.store });
      const { ok, events, streams, problem } = report;
      if (problem) return { ok, events, streams, problem: this.shown(problem) };
      return { ok, events, streams, heads: await signHeads(this.key, report, this.store.epoch, world) };
    } finally {
      this.running.delete(world);
    }
  }

  private shown({ revision, position, ...rest }: ChainProblem): NonNullable<VerifyAnswer['problem']> {
    return {
      ...rest,
      ...(revision !== undefined && { revision: String(revision) }),
      ...(position !== undefined && { position: formatPosition(this.store.epoch, position) }),
    };
  }
}
