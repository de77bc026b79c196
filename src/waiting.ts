/** What `work` comes to, or the error `late` makes when that takes longer than `ms`. The work itself goes on. */
export function within<T>(ms: number, work: Promise<T>, late: () => Error): Promise<T> {
  return withTimer(ms, work, () => {
    throw late();
  });
}

/** Resolves when `work` is done or `ms` are over, rejects when it fails before. The work itself goes on. */
export async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  await withTimer(ms, work, () => undefined);
}

function withTimer<T>(ms: number, work: Promise<T>, over: () => T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms))).then(over);
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
