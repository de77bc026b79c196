import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, readdir, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { transformFile } from '@swc/core';

/** Compiles the embedded store into a folder, so that a process of its own can run it. */
export async function compileStore(parent: string): Promise<string> {
  const out = await mkdtemp(join(parent, 'compiled-'));
  const root = resolve('.');
  await symlink(join(root, 'node_modules'), join(out, 'node_modules'));
  await writeFile(join(out, 'package.json'), '{"type":"module"}');
  // The lock speaks of an unavailable store by the port's error.
  for (const folder of ['src/read-store/embedded', 'src/lmdb', 'src/event-store']) {
    for (const entry of await readdir(join(root, folder), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !entry.name.endsWith('.ts')) continue;
      const source = join(entry.parentPath, entry.name);
      const target = join(out, source.slice(root.length).replace(/\.ts$/, '.js'));
      const { code } = await transformFile(source, {
        jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
        module: { type: 'es6' },
      });
      await mkdir(join(target, '..'), { recursive: true });
      await writeFile(target, code);
    }
  }
  return out;
}

/** Starts a server on `dir` in another process; resolves with its URL. */
export async function startServer(compiled: string, dir: string): Promise<{ process: ChildProcess; url: string }> {
  const script = `
    import { openEmbeddedReadStore } from ${JSON.stringify(join(compiled, 'src/read-store/embedded/embedded-read-store.js'))};
    const store = await openEmbeddedReadStore({ dir: process.argv[1], port: 0 });
    process.stdout.write(store.url + '\\n');
  `;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script, dir], {
    cwd: compiled,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  for await (const chunk of child.stdout) return { process: child, url: String(chunk).trim() };
  throw new Error('the server did not start');
}

export function ended(child: ChildProcess): Promise<void> {
  return new Promise((done) => {
    child.once('exit', () => done());
  });
}
