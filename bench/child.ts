import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** What a process has used: CPU time of all its threads, resident memory, heap with external memory in bytes. */
export interface Usage {
  readonly cpuMs: number;
  readonly rss: number;
  readonly heap: number;
}

/** By how many milliseconds turns of the event loop came late. */
export interface Delay {
  readonly p99: number;
  readonly max: number;
}

export interface ChildOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  readonly nodeArgs?: readonly string[];
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

const urlOf = (path: string): string => new URL(path, import.meta.url).href;

/** A process that is measured, or that helps to. */
export class Child {
  readonly exited: Promise<unknown>;

  private constructor(readonly process: ChildProcess) {
    running.add(process);
    this.exited = once(process, 'exit').finally(() => running.delete(process));
    process.stdout?.resume();
    // One that has ended cannot be sent to; who waits for its answer hears of that by its end.
    process.on('error', () => undefined);
  }

  /** `file` is relative to this folder: a `.ts` of it, or a built `.js`. */
  static start(file: string, { env = {}, args = [], nodeArgs = [] }: ChildOptions = {}): Child {
    const loader = file.endsWith('.ts') ? ['--import', urlOf('./register.mjs')] : [];
    const probe = ['--import', urlOf('./probe.mjs')];
    const child = fork(fileURLToPath(urlOf(file)), args, {
      env: { ...process.env, ...env },
      execArgv: [...loader, ...probe, ...nodeArgs],
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    return new Child(child);
  }

  /** The next message that has the field. Rejects when the process ends or does not say it in time. */
  next<T>(field: string, withinMs = 60_000): Promise<T> {
    return new Promise((resolve, reject) => {
      const take = (message: Readonly<Record<string, T>>): void => {
        const value = message[field];
        if (value === undefined) return;
        done();
        resolve(value);
      };
      const fail = (): void => {
        done();
        reject(new Error(`${this.process.spawnargs.at(-1)} did not say ${field}`));
      };
      const timer = setTimeout(fail, withinMs);
      const done = (): void => {
        clearTimeout(timer);
        this.process.off('message', take).off('exit', fail);
      };
      this.process.on('message', take).on('exit', fail);
      if (!this.process.connected) fail();
    });
  }

  /** Sends, and waits for the answer that has the field. */
  ask<T>(message: object, field: string, withinMs?: number): Promise<T> {
    const answer = this.next<T>(field, withinMs);
    this.process.send(message);
    return answer;
  }

  /** With `gc` after a garbage collection, which the process must have been started for (`--expose-gc`). */
  usage(gc = false): Promise<Usage> {
    return this.ask<Usage>({ ask: 'usage', gc }, 'usage');
  }

  /** Begins to watch the event loop, anew each time. */
  async watchDelay(): Promise<void> {
    await this.ask({ ask: 'watch' }, 'watching');
  }

  /** Since `watchDelay`. */
  delay(): Promise<Delay> {
    return this.ask<Delay>({ ask: 'delay' }, 'delay');
  }

  /** Ends it by a signal; resolves when it is gone. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.process.kill(signal);
    await this.exited;
  }
}
