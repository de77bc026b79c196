import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { transform } from '@swc/core';

/**
 * Runs the TypeScript of this folder as it is. What it imports of the program is the built one, so that what is
 * measured is what `npm start` runs.
 */
const bench = new URL('./', import.meta.url).href;
const program = [new URL('../src/', import.meta.url).href, new URL('../projections/', import.meta.url).href];
const root = new URL('../', import.meta.url).href;

/** @type {import('node:module').ResolveHook} */
export async function resolve(specifier, context, nextResolve) {
  const { parentURL } = context;
  if (!parentURL?.startsWith(bench) || !specifier.startsWith('.')) return nextResolve(specifier, context);
  const { href } = new URL(specifier, parentURL);
  if (program.some((folder) => href.startsWith(folder))) {
    return nextResolve(`${root}dist/${href.slice(root.length)}`, context);
  }
  return nextResolve(href.replace(/\.js$/, '.ts'), context);
}

/** @type {import('node:module').LoadHook} */
export async function load(url, context, nextLoad) {
  if (!url.startsWith(bench) || !url.endsWith('.ts')) return nextLoad(url, context);
  const filename = fileURLToPath(url);
  const { code } = await transform(await readFile(filename, 'utf8'), {
    filename,
    jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
    module: { type: 'es6' },
    sourceMaps: 'inline',
  });
  return { format: 'module', source: code, shortCircuit: true };
}
