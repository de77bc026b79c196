import { types } from 'node:util';
import { CorruptEvent, StoreUnavailable } from '../event-store.js';

/** What an error says, or the thrown value as text. */
export function text(error: unknown): string {
  return types.isNativeError(error) ? error.message : String(error);
}

/** Whether a file operation failed because the file is not there. */
export function isMissing(error: unknown): boolean {
  return types.isNativeError(error) && 'code' in error && error.code === 'ENOENT';
}

/** An error of the port; what LMDB throws becomes StoreUnavailable. */
export function asStoreError(error: unknown): Error {
  if (error instanceof CorruptEvent || error instanceof StoreUnavailable) return error;
  return new StoreUnavailable(`the log cannot be used: ${text(error)}`, { cause: error });
}
