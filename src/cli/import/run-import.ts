import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from '../failure.js';
import { CallRefused, NoAnswer, ConnectionLost, type SocketClient } from '../socket-client.js';
import { isAsWanted, planImport, type ExistingRoom, type Plan, type Step } from './plan.js';
import type { Schedule } from './schedule.js';

export interface ImportOptions {
  readonly connect: () => Promise<SocketClient>;
  /** Called when the plan is made and after every command. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Called before a lost connection is tried again. */
  readonly onRetry?: (reason: string) => void;
  /** How often a lost connection or an overloaded server is tried again in a row. Default 8, over about 30 s. */
  readonly retries?: number;
}

export interface ImportResult {
  readonly created: readonly string[];
  readonly changed: readonly string[];
  readonly unchanged: readonly string[];
  /** Rooms of an earlier import that the file no longer has. */
  readonly left: readonly string[];
  /** Rooms an earlier import created and someone deleted since: they stay deleted. */
  readonly deleted: readonly string[];
  readonly warnings: readonly string[];
}

/** Nothing was sent, and why. */
export class ImportRefused extends Error {
  override readonly name = 'ImportRefused';
  constructor(readonly problems: readonly string[]) {
    super('nothing was imported');
  }
}

/** Refusals that say nothing about the command: the same one may succeed later. */
const passing = new Set(['server.unavailable', 'rate_limited', 'concurrency.conflict', 'server.fatal']);
const firstPauseMs = 200;
const longestPauseMs = 5_000;
const settleMs = 3_000;

/**
 * Makes the world have the schedule's rooms, by ordinary commands. A connection lost half-way is opened again and the
 * command sent again with its id.
 * @throws ImportRefused before anything was sent; CallRefused, ConnectionLost, NoAnswer, naming the room
 */
export async function runImport(schedule: Schedule, options: ImportOptions): Promise<ImportResult> {
  const line = new Line(options);
  try {
    const plan = planImport(schedule, await line.call<ExistingRoom[]>('room.config.list', {}));
    if (plan.problems.length > 0) throw new ImportRefused(plan.problems);
    for (const [done, { room, action, payload }] of plan.steps.entries()) {
      options.onProgress?.(done, plan.steps.length);
      await line.call(action, payload).catch((error: unknown) => {
        throw naming(room, error);
      });
    }
    options.onProgress?.(plan.steps.length, plan.steps.length);
    return await settled(plan, line);
  } finally {
    await line.close();
  }
}

/** What the world says afterwards: a resend is answered with its first success whatever became of the room since. */
async function settled(plan: Plan, line: Line): Promise<ImportResult> {
  const end = performance.now() + settleMs;
  let missing: Step[] = [];
  while (plan.steps.length > 0) {
    const rooms = await line.call<ExistingRoom[]>('room.config.list', {});
    missing = plan.steps.filter((step) => !rooms.some((room) => isResultOf(step, room)));
    // A connection reads its own writes; on a new one the list may be a moment behind.
    if (missing.length === 0 || !line.reopened || performance.now() > end) break;
    await delay(100);
  }
  const changed = missing.filter(({ kind }) => kind === 'changed').map(({ room }) => JSON.stringify(room));
  if (changed.length > 0)
    throw new Failure(`changed or deleted by someone else meanwhile: ${changed.join(', ')}; import again`);
  const gone = new Set(missing);
  const names = (kind: Step['kind']) =>
    plan.steps.filter((step) => step.kind === kind && !gone.has(step)).map(({ room }) => room);
  return {
    created: names('created'),
    changed: names('changed'),
    unchanged: plan.unchanged,
    left: plan.left,
    deleted: missing.map(({ room }) => room),
    warnings: plan.warnings,
  };
}

function isResultOf({ payload }: Step, room: ExistingRoom): boolean {
  const same = payload.room === undefined ? room.import_id === payload.import_id : room.id === payload.room;
  return same && isAsWanted(room, payload);
}

/** A connection that is opened again when it is lost. */
class Line {
  reopened = false;
  private client: SocketClient | undefined;

  constructor(private readonly options: ImportOptions) {}

  async call<Reply>(action: string, payload: object): Promise<Reply> {
    const { retries = 8, onRetry } = this.options;
    for (let tries = 0; ; tries++) {
      try {
        if (!this.client?.open) {
          this.reopened = this.client !== undefined;
          this.client = await this.options.connect();
        }
        return await this.client.call<Reply>(action, payload);
      } catch (error) {
        const again = error instanceof CallRefused ? passing.has(error.code) : isLost(error);
        // A server that was never there is told at once.
        if (!this.client || !again || tries === retries) throw error;
        onRetry?.(error instanceof Error ? error.message : String(error));
        if (!(error instanceof CallRefused)) this.client.ws.terminate();
        await delay(Math.min(firstPauseMs * 2 ** tries, longestPauseMs));
      }
    }
  }

  async close(): Promise<void> {
    if (this.client?.open) await this.client.close();
  }
}

const isLost = (error: unknown): boolean => error instanceof ConnectionLost || error instanceof NoAnswer;

function naming(room: string, error: unknown): unknown {
  const text = `room ${JSON.stringify(room)}`;
  if (error instanceof CallRefused) return new CallRefused(error.code, `${text}: ${error.message}`, error.details);
  if (error instanceof ConnectionLost || error instanceof NoAnswer)
    return new ConnectionLost(`${text}: ${error.message}`);
  return error;
}
