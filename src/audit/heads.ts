import { compactVerify, importJWK, type JWK } from 'jose';
import { formatPosition } from '../event-store/position.js';
import { isObject } from '../eventsourcing/validation.js';
import type { AuditKey } from './audit-key.js';
import type { ChainReport, Head } from './verify-chain.js';

const typ = 'convoke-heads+jws';

/** What is signed of a verified log: whoever keeps it can tell later whether anything before it was changed. */
export interface HeadsDocument {
  /** Of the last event that is covered; absent for an empty log. */
  readonly position?: string;
  /** Absent: of all worlds. */
  readonly world?: string;
  /** When it was signed, RFC 3339 UTC. */
  readonly at: string;
  readonly events: number;
  /** By name of the stream. */
  readonly heads: readonly { readonly stream: string; readonly revision: string; readonly hash: string }[];
}

/** The heads of a report as a compact JWS. */
export function signHeads(key: AuditKey, report: ChainReport, epoch: string, world?: string): Promise<string> {
  const { position, events, heads } = report;
  const document: HeadsDocument = {
    ...(position >= 0n && { position: formatPosition(epoch, position) }),
    ...(world !== undefined && { world }),
    at: new Date().toISOString(),
    events,
    heads: heads.map(({ stream, revision, hash }) => ({ stream, revision: String(revision), hash })),
  };
  return key.sign(document, typ);
}

/** A document of heads that is not what this key signed. */
export class HeadsRefused extends Error {
  override readonly name = 'HeadsRefused';
}

export interface SignedHeads {
  readonly world: string | undefined;
  readonly at: string;
  readonly heads: readonly Head[];
}

/** @throws HeadsRefused */
export async function readHeads(jws: string, publicJwk: JWK): Promise<SignedHeads> {
  const payload = await verified(jws.trim(), publicJwk);
  const { world, at, heads }: Partial<Record<keyof HeadsDocument, unknown>> = isObject(payload) ? payload : {};
  if (typeof at !== 'string' || !Array.isArray(heads) || !(world === undefined || typeof world === 'string')) {
    throw new HeadsRefused('the signed document holds no heads');
  }
  return { world, at, heads: heads.map(toHead) };
}

function toHead(head: unknown): Head {
  const { stream, revision, hash }: Partial<Record<keyof Head, unknown>> = isObject(head) ? head : {};
  if (typeof stream !== 'string' || typeof hash !== 'string' || !/^\d{1,19}$/.test(String(revision))) {
    throw new HeadsRefused('the signed document holds a head that cannot be read');
  }
  return { stream, revision: BigInt(String(revision)), hash };
}

async function verified(jws: string, publicJwk: JWK): Promise<unknown> {
  try {
    const { payload, protectedHeader } = await compactVerify(jws, await importJWK(publicJwk, 'EdDSA'), {
      algorithms: ['EdDSA'],
    });
    if (protectedHeader.typ === typ) return JSON.parse(new TextDecoder().decode(payload));
  } catch {
    throw new HeadsRefused('the heads are not signed with this key, or were changed since');
  }
  throw new HeadsRefused('the signed document is no document of heads');
}
