import { hash as digest } from 'node:crypto';
import { canonicalJson } from './canonical.js';
import type { Metadata, NewEvent } from './events.js';

type Unchained = Omit<Metadata, 'prevHash' | 'hash'>;
type Chainable = Omit<NewEvent, 'metadata'> & { readonly metadata: Unchained };

/** SHA-256 (hex) over the previous event's hash and this event, its metadata without the chain, as RFC 8785 canonical JSON. */
export function chainHash(prevHash: string, { id, type, data, metadata }: Chainable): string {
  // Canonical JSON leaves out what is undefined.
  const stable = { ...metadata, prevHash: undefined, hash: undefined };
  return digest('sha256', prevHash + canonicalJson({ id, type, data, metadata: stable }));
}

/** Adds `prevHash` and `hash`, each event following the one before it. */
export function chain<E extends Chainable>(
  prevHash: string,
  events: readonly E[],
): (E & { readonly metadata: Metadata })[] {
  let previous = prevHash;
  return events.map((event) => {
    const hash = chainHash(previous, event);
    const chained = { ...event, metadata: { ...event.metadata, prevHash: previous, hash } };
    previous = hash;
    return chained;
  });
}

/** What is wrong with an event that should follow `prevHash` (`''` for a stream's first), or undefined. Unchained events pass. */
export function chainProblem(prevHash: string, event: NewEvent): string | undefined {
  const { metadata } = event;
  if (metadata.hash === undefined && metadata.prevHash === undefined && prevHash === '') return undefined;
  if (metadata.prevHash !== prevHash) return 'does not follow the event before it';
  if (metadata.hash !== chainHash(prevHash, event)) return 'its hash does not fit its content';
  return undefined;
}
