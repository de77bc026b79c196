import { median, type Sample } from './measure.js';

/** One figure of ours, beside a peer that did the same in the same run. */
export interface Row {
  readonly figure: string;
  readonly unit: string;
  readonly ours: number;
  readonly peer?: string;
  readonly theirs?: number;
  /** Ours over theirs. */
  readonly ratio?: number;
  readonly target?: string;
  readonly met?: boolean;
  /** Median share of one core: the load generator's, and our server's. */
  readonly generatorCores?: number;
  readonly serverCores?: number;
  /** The peer's run: its generator and its server. */
  readonly theirGeneratorCores?: number;
  readonly theirServerCores?: number;
  readonly rounds: { readonly ours: readonly number[]; readonly theirs?: readonly number[] };
}

/** A peer that did not run, and why. */
export interface Skipped {
  readonly skipped: string;
  readonly reason: string;
}

export interface Setting {
  readonly quick: boolean;
  /** A new empty folder, removed when the benchmark ends. */
  folder(): Promise<string>;
}

export type Part = (setting: Setting) => Promise<readonly (Row | Skipped)[]>;

interface Compared {
  readonly figure: string;
  readonly unit: string;
  readonly ours: readonly Sample[];
  readonly peer?: string;
  readonly theirs?: readonly Sample[];
  /** Targets of the ratio. */
  readonly atLeast?: number;
  readonly atMost?: number;
  /** Targets of our own value. */
  readonly valueAtLeast?: number;
  readonly valueAtMost?: number;
}

const values = (samples: readonly Sample[]): number[] => samples.map(({ value }) => value);
const middle = (numbers: readonly (number | undefined)[]): number | undefined => {
  const known = numbers.filter((one) => one !== undefined);
  return known.length > 0 ? median(known) : undefined;
};

/** Medians, their ratio, and whether the target is met. */
export function row(compared: Compared): Row {
  const { figure, unit, peer, atLeast, atMost, valueAtLeast, valueAtMost } = compared;
  const ours = median(values(compared.ours));
  const theirs = compared.theirs && median(values(compared.theirs));
  const ratio = theirs === undefined ? undefined : ours / theirs;
  const low = atLeast ?? valueAtLeast;
  const high = atMost ?? valueAtMost;
  const judged = atLeast === undefined && atMost === undefined ? ours : (ratio ?? Number.NaN);
  const target = low !== undefined ? `≥ ${format(low)}` : high !== undefined ? `≤ ${format(high)}` : undefined;
  return clean({
    figure,
    unit,
    ours,
    peer,
    theirs,
    ratio,
    target,
    met: target === undefined ? undefined : judged >= (low ?? -Infinity) && judged <= (high ?? Infinity),
    generatorCores: middle(compared.ours.map((one) => one.generatorCores)),
    serverCores: middle(compared.ours.map((one) => one.serverCores)),
    theirGeneratorCores: compared.theirs && middle(compared.theirs.map((one) => one.generatorCores)),
    theirServerCores: compared.theirs && middle(compared.theirs.map((one) => one.serverCores)),
    rounds: { ours: values(compared.ours), ...(compared.theirs && { theirs: values(compared.theirs) }) },
  });
}

/** Without the fields that are undefined. */
function clean<T extends object>(from: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(from).filter(([, value]) => value !== undefined)) as T;
}

export function format(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString('en');
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

const cores = (generator?: number, server?: number): string =>
  [generator, server].map((one) => (one === undefined ? '–' : `${Math.round(one * 100)}%`)).join(' / ');

/** The rows as lines of text in columns. */
export function table(rows: readonly Row[]): string {
  const head = ['', 'ours', 'beside', 'ratio', 'target', 'CPU ours', 'CPU beside'];
  const cells = rows.map((one) => [
    one.figure,
    `${format(one.ours)} ${one.unit}`,
    one.peer === undefined ? '' : `${format(one.theirs ?? Number.NaN)} ${one.peer}`,
    one.ratio === undefined ? '' : format(one.ratio),
    one.target === undefined ? '' : `${one.target} ${one.met ? 'met' : 'MISSED'}`,
    cores(one.generatorCores, one.serverCores),
    one.peer === undefined ? '' : cores(one.theirGeneratorCores, one.theirServerCores),
  ]);
  const all = [head, ...cells];
  const widths = head.map((_, column) => Math.max(...all.map((line) => line[column]?.length ?? 0)));
  return all
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
