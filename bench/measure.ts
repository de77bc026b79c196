import type { Child, Usage } from './child.js';

/** One round: how much per second (or whatever the unit is), and the CPU that generator and server had, in cores. */
export interface Sample {
  readonly value: number;
  readonly generatorCores: number;
  readonly serverCores: number | undefined;
}

export type Round = () => Promise<Sample>;

/** Samples by contender. */
export type Samples<Name extends string> = Readonly<Record<Name, readonly Sample[]>>;

/**
 * Runs the contenders in turns, so that what else the machine does meets them alike. The first turn of each warms up and
 * is not counted.
 */
export async function inTurns<Name extends string>(
  contenders: Readonly<Record<Name, Round>>,
  rounds: number,
): Promise<Samples<Name>> {
  const names = Object.keys(contenders) as Name[];
  const samples = {} as Record<Name, Sample[]>;
  for (const name of names) samples[name] = [];
  for (let round = 0; round <= rounds; round++) {
    for (const name of names) {
      const sample = await contenders[name]();
      if (round > 0) samples[name].push(sample);
    }
  }
  return samples;
}

export interface Processes {
  /** Under load. */
  readonly server?: Child;
  /** Makes the load; default: this process. */
  readonly generator?: Child;
}

/** Runs `load`, which answers how much it did, and relates that to the time and the CPU it took. */
export async function perSecond(load: () => Promise<number>, { server, generator }: Processes = {}): Promise<Sample> {
  const used = async () => [await (generator?.usage() ?? ownUsage()), await server?.usage()] as const;
  const [generatorBefore, serverBefore] = await used();
  const start = performance.now();
  const done = await load();
  const ms = performance.now() - start;
  const [generatorAfter, serverAfter] = await used();
  return {
    value: done / (ms / 1000),
    generatorCores: (generatorAfter.cpuMs - generatorBefore.cpuMs) / ms,
    serverCores: serverBefore && serverAfter && (serverAfter.cpuMs - serverBefore.cpuMs) / ms,
  };
}

function ownUsage(): Pick<Usage, 'cpuMs'> {
  const { user, system } = process.cpuUsage();
  return { cpuMs: (user + system) / 1000 };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low = Number.NaN, high = low] =
    sorted.length % 2 === 1 ? sorted.slice(middle, middle + 1) : sorted.slice(middle - 1, middle + 1);
  return (low + high) / 2;
}
