/** A failure the person can do something about: told in plain lines, without a stack. */
export class Failure extends Error {
  override readonly name = 'Failure';
  constructor(
    message: string,
    /** 1 for a failure, 2 for a wrong use of the command. */
    readonly exitCode: 1 | 2 = 1,
  ) {
    super(message);
  }
}

/** A headline and at most 20 lines below it. */
export function listing(headline: string, lines: readonly string[]): string {
  const shown = lines.slice(0, 20).map((line) => `  ${line}`);
  const more = lines.length - shown.length;
  return [headline, ...shown, ...(more > 0 ? [`  … and ${more} more`] : [])].join('\n');
}

export const plural = (count: number | bigint, noun: string): string =>
  `${count.toLocaleString('en')} ${noun}${Number(count) === 1 ? '' : 's'}`;
