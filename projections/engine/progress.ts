import type { Writable } from 'node:stream';
import { Presets, SingleBar } from 'cli-progress';
import type { Progress } from './projection.js';

export interface ProgressDisplay {
  show(progress: Progress): void;
  /** Draws the end. Call it also when the rebuild failed. */
  done(): void;
}

type Output = Writable & { readonly isTTY?: boolean };

const PERCENT_PER_LINE = 10;

/** Shows how far a rebuild is: a bar on a terminal, a line every ten percent elsewhere. */
export function showProgress(output: Output = process.stderr): ProgressDisplay {
  return output.isTTY === true ? bar(output) : lines(output);
}

function bar(stream: Writable): ProgressDisplay {
  const format = '{model} {bar} {percentage}% | position {position} of {head} | {eta_formatted} left';
  const drawn = new SingleBar({ stream, format, hideCursor: true, clearOnComplete: false }, Presets.shades_classic);
  let started = false;
  return {
    show(progress) {
      const labels = { model: progress.model, position: String(progress.position), head: String(progress.head) };
      if (!started) drawn.start(100, 0, labels);
      started = true;
      drawn.update(percentOf(progress), labels);
    },
    done: () => drawn.stop(),
  };
}

function lines(output: Writable): ProgressDisplay {
  let next = 0;
  return {
    show(progress) {
      const percent = percentOf(progress);
      if (percent < next) return;
      next = percent - (percent % PERCENT_PER_LINE) + PERCENT_PER_LINE;
      output.write(`${progress.model}: ${percent}% (position ${progress.position} of ${progress.head})\n`);
    },
    done: () => undefined,
  };
}

/** Whole percent, rounded down. Positions may start anywhere and have gaps, so it is an estimate. */
export function percentOf({ position, head }: Progress): number {
  if (position >= head) return 100;
  return position < 0n ? 0 : Number((position * 100n) / head);
}
