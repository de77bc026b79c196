import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

interface Hunk {
  readonly before: string;
  readonly after: string;
}

/** The unified diff of one file. */
export interface Diff {
  readonly path: string;
  readonly isNew: boolean;
  readonly hunks: readonly Hunk[];
}

/** The fenced diffs below a heading of a Markdown text, in order. @throws Error for a diff that is none */
export function diffsIn(markdown: string, heading: string): Diff[] {
  const section = markdown.split(/^## /m).find((part) => part.startsWith(heading));
  if (section === undefined) throw new Error(`there is no section ${heading}`);
  return [...section.matchAll(/^```diff\n(.*?)^```$/gms)].map(([, text = '']) => parse(text));
}

function parse(text: string): Diff {
  const [, from, path, body = ''] = /^--- (\S+)\n\+\+\+ b\/(\S+)\n(.*)$/s.exec(text) ?? [];
  if (path === undefined) throw new Error(`not a unified diff: ${text.slice(0, 80)}`);
  const hunks = body.split(/^(?=@@)/m).map((hunk) => {
    const [header = '', ...lines] = hunk.replace(/\n$/, '').split('\n');
    const [before, after] = [side(lines, '-'), side(lines, '+')];
    const [, old = '1', now = '1'] = /^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@/.exec(header) ?? [];
    // Then git apply and patch take it as well.
    if (Number(old) !== before.length || Number(now) !== after.length) throw new Error(`${path}: ${header} miscounts`);
    return { before: before.join('\n'), after: after.join('\n') };
  });
  return { path, isNew: from === '/dev/null', hunks };
}

/** Lines of one side: those marked with its sign, and those of both. */
function side(lines: readonly string[], sign: '-' | '+'): string[] {
  return lines.flatMap((line) => (line === '' || line.startsWith(' ') || line.startsWith(sign) ? [line.slice(1)] : []));
}

/** Changes the file in `dir`. What a hunk replaces must be there exactly once, wherever. @throws Error */
export async function apply({ path, isNew, hunks }: Diff, dir: string): Promise<void> {
  const file = join(dir, path);
  let text = isNew ? '' : await readFile(file, 'utf8');
  for (const { before, after } of hunks) {
    if (isNew) {
      text = `${after}\n`;
      continue;
    }
    const parts = text.split(`${before}\n`);
    if (parts.length !== 2) throw new Error(`${path} has this ${parts.length - 1} times:\n${before}`);
    text = parts.join(`${after}\n`);
  }
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text, { flag: isNew ? 'wx' : 'w' });
}
