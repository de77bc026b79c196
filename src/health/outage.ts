/** Names of the errors of a store that cannot be reached now: the event store's, and those of the MongoDB driver. */
const outages =
  /^(StoreUnavailable|Mongo(Network|ServerSelection|NotConnected|Pool|WaitQueue|Topology|OperationTimeout).*)$/;
/** The driver hands on some errors of its sockets as they are. */
const brokenSockets = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENOTFOUND',
]);

/** Whether a store is away, so that the same may be asked again later. */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return outages.test(error.name) || ('code' in error && brokenSockets.has(String(error.code)));
}
