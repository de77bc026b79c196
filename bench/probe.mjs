import { monitorEventLoopDelay } from 'node:perf_hooks';

const resolution = 10;
const delays = monitorEventLoopDelay({ resolution });
/** The histogram holds whole intervals of its timer. */
const late = (/** @type {number} */ ns) => Math.max(0, ns / 1e6 - resolution);

/**
 * Loaded into every measured process (`node --import`): answers what the process has used so far, and how late its event
 * loop was since it was asked to watch that. With --expose-gc the garbage is collected first when `gc` is asked for. Plain
 * JavaScript, so that the process needs no loader.
 */
process.on('message', async (/** @type {{ ask?: string, gc?: boolean }} */ message) => {
  if (message.ask === 'watch') {
    delays.enable();
    delays.reset();
    process.send?.({ watching: true });
  }
  if (message.ask === 'delay') {
    delays.disable();
    process.send?.({ delay: { p99: late(delays.percentile(99)), max: late(delays.max) } });
  }
  if (message.ask !== 'usage') return;
  if (message.gc && globalThis.gc) {
    // Twice, with a pause: what only finalizers hold goes with the second.
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 100));
    globalThis.gc();
  }
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed, external } = process.memoryUsage();
  process.send?.({ usage: { cpuMs: (user + system) / 1000, rss, heap: heapUsed + external } });
});
// The channel alone keeps no process alive.
process.channel?.unref();
