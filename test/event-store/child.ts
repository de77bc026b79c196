import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transform } from '@swc/core';

const parser = { syntax: 'typescript', decorators: true } as const;

/** The store's sources, compiled into a temporary directory so that plain `node` can run them without a build. */
export async function compileStore(): Promise<{ dir: string; url: (path: string) => string }> {
  const root = process.cwd();
  const dir = await mkdtemp(join(tmpdir(), 'store-'));
  await symlink(join(root, 'node_modules'), join(dir, 'node_modules'));
  await writeFile(join(dir, 'package.json'), '{"type":"module"}');
  for (const folder of ['event-store', 'event-store/embedded', 'eventsourcing', 'lmdb']) {
    await mkdir(join(dir, folder), { recursive: true });
    for (const name of await readdir(join(root, 'src', folder))) {
      if (!name.endsWith('.ts')) continue;
      const source = await readFile(join(root, 'src', folder, name), 'utf8');
      const { code } = await transform(source, { jsc: { target: 'es2022', parser } });
      await writeFile(join(dir, folder, name.replace(/\.ts$/, '.js')), code);
    }
  }
  return { dir, url: (path) => pathToFileURL(join(dir, 'event-store', path)).href };
}

/** A child process that runs a module given as text; it talks in lines. */
export class Child {
  readonly pid: number;
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  private readonly process;
  private lines: string[] = [];
  private said = '';
  private errors = '';
  private waiting: (() => void) | undefined;

  constructor(source: string, command: readonly string[] = [process.execPath]) {
    const [program = process.execPath, ...args] = command;
    this.process = spawn(program, [...args, '--input-type=module', '-e', source], { stdio: 'pipe' });
    this.pid = this.process.pid ?? 0;
    this.process.stdout.on('data', (bytes: Buffer) => {
      this.said += bytes.toString();
      const lines = this.said.split('\n');
      this.said = lines.pop() ?? '';
      this.lines.push(...lines);
      this.waiting?.();
    });
    this.process.stderr.on('data', (bytes: Buffer) => (this.errors += bytes.toString()));
    this.exited = new Promise((resolve) => {
      this.process.once('close', (code, signal) => {
        resolve({ code, signal });
        this.waiting?.();
      });
    });
  }

  /** The next line the child prints. */
  async line(): Promise<string> {
    for (;;) {
      const line = this.lines.shift();
      if (line !== undefined) return line;
      if (this.process.exitCode !== null || this.process.signalCode !== null) {
        throw new Error(`the child has ended: ${this.errors}`);
      }
      await new Promise<void>((resolve) => {
        this.waiting = resolve;
      });
    }
  }

  say(line: string): void {
    this.process.stdin.write(`${line}\n`);
  }

  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.exited;
  }
}
