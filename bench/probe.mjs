/**
 * Loaded into every measured process (`node --import`): answers what the process has used so far. With --expose-gc the
 * garbage is collected first when `gc` is asked for. Plain JavaScript, so that the process needs no loader.
 */
process.on('message', async (/** @type {{ ask?: string, gc?: boolean }} */ message) => {
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
