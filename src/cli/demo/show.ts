import type { Writable } from 'node:stream';

type Output = Writable & { readonly isTTY?: boolean };

const titleWidth = 10;

/** What the demo tells the person watching, and what it promised and did not keep. */
export class Show {
  /** Expectations that did not hold. */
  readonly failures: string[] = [];
  private scenes = 0;

  constructor(private readonly output: Output) {}

  headline(text: string): void {
    this.write(`${this.styled(1, text)}\n`);
  }

  /** Begins the next scene; `about` says in half a sentence what is being shown. */
  scene(title: string, about: string): void {
    this.scenes++;
    this.write(`\n${this.styled(1, `${String(this.scenes).padStart(2)}  ${title.padEnd(titleWidth)}`)}  ${about}\n`);
  }

  line(text: string): void {
    this.write(`      ${text}\n`);
  }

  /** Two aligned columns. */
  row(name: string, value: string): void {
    this.line(`${name.padEnd(26)} ${value}`);
  }

  /** `what` completes "it was expected that …"; `seen` says what was found instead. */
  expect(holds: boolean, what: string, seen?: string): void {
    if (!holds) this.failures.push(seen === undefined ? what : `${what} (${seen})`);
    const mark = holds ? this.styled(32, '✓') : this.styled(31, '✗');
    this.write(`    ${mark} ${what}${holds || seen === undefined ? '' : ` — ${seen}`}\n`);
  }

  private styled(code: number, text: string): string {
    return this.output.isTTY === true ? `\u001b[${code}m${text}\u001b[0m` : text;
  }

  private write(text: string): void {
    this.output.write(text);
  }
}

/** `1.4 s`, `12 ms`, `0.8 ms` */
export function duration(ms: number): string {
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(1)} s`;
  return ms >= 10 ? `${Math.round(ms)} ms` : `${ms.toFixed(1)} ms`;
}

/** The value below which a share of the sorted values lies. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Cut where it would fill the line. */
export const shortened = (text: string): string =>
  [...text].length > 48 ? `${[...text].slice(0, 47).join('')}…` : text;

export const quoted = (text: string): string => `“${shortened(text)}”`;
