import type { Writable } from 'node:stream';
import { Presets, SingleBar } from 'cli-progress';

export interface Bar {
  show(done: number, total: number): void;
  /** Call it also after a failure: it gives the terminal its cursor back. */
  stop(): void;
}

const percentPerLine = 25;

/** A progress bar on a terminal, a line every quarter elsewhere. Written to standard error: output stays output. */
export function progressBar(label: string, output: Writable & { readonly isTTY?: boolean } = process.stderr): Bar {
  if (output.isTTY !== true) return quietLines(label, output);
  const format = `${label} {bar} {value}/{total}`;
  const bar = new SingleBar({ stream: output, format, hideCursor: true, barsize: 30 }, Presets.shades_classic);
  let started = false;
  return {
    show(done, total) {
      if (!started) bar.start(total, done);
      started = true;
      bar.update(done);
    },
    stop: () => bar.stop(),
  };
}

function quietLines(label: string, output: Writable): Bar {
  let next = percentPerLine;
  return {
    show(done, total) {
      const percent = total === 0 ? 100 : Math.floor((done * 100) / total);
      if (percent < next) return;
      next = percent - (percent % percentPerLine) + percentPerLine;
      output.write(`${label}: ${done} of ${total}\n`);
    },
    stop: () => undefined,
  };
}
