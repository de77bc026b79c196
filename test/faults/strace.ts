import { spawnSync } from 'node:child_process';

/** Whether system calls can be traced here. */
export const hasStrace = spawnSync('strace', ['-V']).status === 0;

/** The first two pages of the data file say which version of the data is the valid one. */
const META_PAGES = 2 * 4096;

/**
 * What a traced process did to the log, in order: `f` data flushed (fdatasync or fsync returned), `m` the page that
 * makes the commit visible written through (on `writtenThrough`, a descriptor opened with O_DSYNC), `v` that page
 * written without (the commit would be seen before it is safe), and what `marksOf` finds in the other calls.
 */
export function stepsOf(trace: string, writtenThrough: string | undefined, marksOf: (call: string) => string): string {
  const started = new Map<string, string>();
  let done = '';
  for (const line of trace.split('\n')) {
    const [, thread = '', call = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    done += marksOf(call);
    let kind: string | undefined;
    if (/^(fdatasync|fsync)\(\d+<[^>]*\/log\/data\.mdb>/.test(call)) kind = 'f';
    else if (call.startsWith(`pwrite64(${writtenThrough}<`)) kind = 'm';
    else if (Number(/^pwrite64\(\d+<[^>]*\/log\/data\.mdb>, .*, (\d+)(\)| <unf)/.exec(call)?.[1]) < META_PAGES)
      kind = 'v';
    else if (call.startsWith('<...')) kind = started.get(thread);
    if (call.includes('<unfinished')) started.set(thread, kind ?? '');
    else if (kind !== undefined && !/= -1/.test(call)) done += kind;
  }
  return done;
}
