import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { calculateJwkThumbprint, CompactSign, type JWK } from 'jose';
import { madeOnce } from '../identity/secret.js';

/** The Ed25519 key of a data folder that signs heads; generated once, like the secret of tokens. */
export class AuditKey {
  private constructor(
    private readonly key: KeyObject,
    /** What an auditor keeps to check signatures with: RFC 8037, its `kid` the RFC 7638 thumbprint. */
    readonly publicJwk: JWK,
  ) {}

  /** @throws Error when the file is damaged */
  static async of(dataDir: string): Promise<AuditKey> {
    const file = join(dataDir, 'audit-key');
    const pem = await madeOnce(file, () =>
      String(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' })),
    );
    const key = privateKey(pem);
    if (key === undefined) {
      throw new Error(
        `${file} is damaged: restore it, or remove it to get a new key (old signatures need the old one)`,
      );
    }
    const jwk = createPublicKey(key).export({ format: 'jwk' });
    return new AuditKey(key, { ...jwk, alg: 'EdDSA', use: 'sig', kid: await calculateJwkThumbprint(jwk) });
  }

  /** The payload as a compact JWS (RFC 7515). */
  async sign(payload: object, typ: string): Promise<string> {
    const { kid = '' } = this.publicJwk;
    return new CompactSign(new TextEncoder().encode(JSON.stringify(payload)))
      .setProtectedHeader({ alg: 'EdDSA', kid, typ })
      .sign(this.key);
  }
}

function privateKey(pem: string): KeyObject | undefined {
  try {
    const key = createPrivateKey(pem);
    return key.asymmetricKeyType === 'ed25519' ? key : undefined;
  } catch {
    return undefined;
  }
}
