/** A position as clients and auditors see it: opaque text that carries the log's epoch. Source: wire contract, section 9. */
export function formatPosition(epoch: string, position: bigint): string {
  return `${epoch}.${position}`;
}

/**
 * The position behind the text: `another_log` when it was given out by another log (restored, migrated), undefined when it
 * is none. Whether this log reaches so far is for the reader to see.
 */
export function parsePosition(epoch: string, text: string): bigint | 'another_log' | undefined {
  const [, ofEpoch, digits] = /^([\w-]{1,64})\.(0|[1-9]\d{0,18})$/.exec(text) ?? [];
  if (ofEpoch === undefined || digits === undefined) return undefined;
  return ofEpoch === epoch ? BigInt(digits) : 'another_log';
}
