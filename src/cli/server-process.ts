import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export interface ServerOptions {
  readonly dataDir: string;
  /** Added to the environment; the variables of the contract are otherwise unset. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default 0: any free one. */
  readonly port?: number;
  /** The built server. Default: the one beside this file. */
  readonly main?: string;
  /** How long it may take to listen. Default 30,000 ms. */
  readonly timeoutMs?: number;
  /** Kills the server when it aborts. */
  readonly signal?: AbortSignal;
}

interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const builtMain = fileURLToPath(new URL('../main.js', import.meta.url));
const settings =
  /^(PORT|HOST|DATA_DIR|EVENTSTORE_.*|MONGODB_URL|READ_STORE_PORT|AUTH_.*|PROJECTIONS|MEETING_CONFLICTS|PUBLIC_URL|ALLOWED_ORIGINS|RATE_LIMIT|LOG_LEVEL)$/;

/** A server in a child process, as `npm start` would run it. */
export class ServerProcess {
  /** Everything it has written so far; standard output is one JSON object a line. */
  readonly stdout: string[] = [];
  readonly stderr: string[] = [];
  /** Resolves when the process is gone. */
  readonly exited: Promise<Exit>;
  private address: string | undefined;

  private constructor(private readonly child: ChildProcess) {
    // Aborting the signal is told as an error too; the process ends all the same.
    child.on('error', (error) => this.stderr.push(error.message));
    this.exited = new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal })));
  }

  /** Resolves when it listens. @throws Error with what it said when it does not */
  static async start(options: ServerOptions): Promise<ServerProcess> {
    const { dataDir, port = 0, main = builtMain, timeoutMs = 30_000, signal } = options;
    if (!existsSync(main)) throw new Error(`${main} is missing: run npm run build first`);
    const inherited = Object.entries(process.env).filter(([name]) => !settings.test(name));
    const env = { ...Object.fromEntries(inherited), DATA_DIR: dataDir, PORT: String(port), ...options.env };
    const child = spawn(process.execPath, [main], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      signal,
      killSignal: 'SIGKILL',
    });
    const server = new ServerProcess(child);
    try {
      await server.listening(timeoutMs);
    } catch (error) {
      await server.kill9();
      throw error;
    }
    return server;
  }

  /** Where it listens, e.g. `http://127.0.0.1:41213`. */
  get url(): string {
    if (this.address === undefined) throw new Error('the server does not listen');
    return this.address;
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Resolves when `/health/ready` answers 200; what it then says. @throws Error */
  async ready(timeoutMs = 30_000): Promise<unknown> {
    const end = performance.now() + timeoutMs;
    for (;;) {
      const response = await fetch(`${this.url}/health/ready`).catch(() => undefined);
      const body: unknown = await response?.json().catch(() => undefined);
      if (response?.ok) return body;
      if (this.child.exitCode !== null || this.child.signalCode !== null) throw this.failure('ended');
      if (performance.now() > end) throw this.failure(`was not ready within ${timeoutMs} ms: ${JSON.stringify(body)}`);
      await delay(10);
    }
  }

  /** SIGKILL, as a power cut would end it. */
  async kill9(): Promise<Exit> {
    this.child.kill('SIGKILL');
    return this.exited;
  }

  /** SIGTERM; the exit code. */
  async stop(): Promise<number | null> {
    this.child.kill('SIGTERM');
    return (await this.exited).code;
  }

  private async listening(timeoutMs: number): Promise<void> {
    const { stdout, stderr } = this.child;
    if (!stdout || !stderr) throw new Error('the server has no output');
    createInterface(stderr).on('line', (line) => this.stderr.push(line));
    const lines = createInterface(stdout);
    const announced = new Promise<string>((resolve) => {
      lines.on('line', (line) => {
        this.stdout.push(line);
        const url = urlIn(line);
        if (url !== undefined) resolve(url);
      });
    });
    const limit = new AbortController();
    const ended = this.exited.then(() => {
      throw this.failure('ended');
    });
    const late = delay(timeoutMs, undefined, { signal: limit.signal, ref: false }).then(() => {
      throw this.failure(`did not listen within ${timeoutMs} ms`);
    });
    try {
      this.address = await Promise.race([announced, ended, late]);
    } finally {
      late.catch(() => undefined);
      ended.catch(() => undefined);
      limit.abort();
    }
  }

  private failure(what: string): Error {
    const said = [...this.stderr, ...this.stdout.slice(-3)].join('\n');
    return new Error(`the server ${what}${said && `; it said:\n${said}`}`);
  }
}

function urlIn(line: string): string | undefined {
  if (!line.includes('Convoke is listening')) return undefined;
  const { url } = JSON.parse(line) as { url?: unknown };
  return typeof url === 'string' ? url : undefined;
}
