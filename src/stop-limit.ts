/** A stop takes at most this long; what hangs then is cut off. Source: wire contract, section 1. */
const stopWithinMs = 9_500;

/** Ends the process with 1 when its stop, which begins now, takes too long. */
export function limitStop(logger: { error(message: string): void }): void {
  setTimeout(() => {
    logger.error('the stop took too long');
    process.exit(1);
  }, stopWithinMs).unref();
}
