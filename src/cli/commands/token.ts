import { InvalidArgumentError, type Command } from 'commander';
import { readConfig } from '../../config/config.js';
import { isText } from '../../eventsourcing/validation.js';
import { defaultWorld, isWorldName, isZone, tokensOf } from '../../identity/tokens.js';
import { isUserId } from '../../identity/user-id.js';
import { Failure } from '../failure.js';

interface TokenOptions {
  readonly user: string;
  readonly trait: readonly string[];
  readonly world: string;
  readonly zone?: string;
  readonly ttl: string;
  readonly name?: string;
  readonly email?: string;
}

/** `convoke token`: prints one line, the token. */
export function addToken(program: Command): void {
  program
    .command('token')
    .description('print a token, signed with the secret of AUTH_SECRET or of the data folder')
    .requiredOption('--user <id>', 'user id, not digits only', toUser)
    .option('--trait <trait>', 'a trait such as admin or moderator; may be repeated', toTraits, [])
    .option('--world <world>', 'tenant', toWorld, defaultWorld)
    .option('--zone <zone>', 'IANA time zone, e.g. Europe/Paris', toZone)
    .option('--ttl <time>', 'how long it is valid, e.g. 15m, 12h, 1d', toTtl, '1d')
    .option('--name <name>', 'display name', toName)
    .option('--email <address>', 'e-mail address', toEmail)
    .action(async (options: TokenOptions) => {
      process.stdout.write(`${await signToken(options)}\n`);
    });
}

/** Signed with the secret that a server started in the same environment trusts. */
export async function signToken({ user, trait, world, zone, ttl, name, email }: TokenOptions): Promise<string> {
  const config = readConfig(process.env);
  if (config.auth.jwksUrl && config.auth.secret === undefined) {
    throw new Failure('AUTH_JWKS_URL is set and AUTH_SECRET is not: tokens come from that identity provider');
  }
  const tokens = await tokensOf(config);
  const claims = {
    sub: user,
    world,
    traits: [...trait],
    ...(zone !== undefined && { zoneinfo: zone }),
    ...(name !== undefined && { profile: { display_name: name } }),
    ...(email !== undefined && { email }),
  };
  return tokens.sign(claims, ttl);
}

function toUser(value: string): string {
  if (isUserId(value)) return value;
  throw new InvalidArgumentError('A user id is a text of 1 to 300 characters that are not all digits.');
}

function toTraits(value: string, before: readonly string[]): string[] {
  if (isText(value, 100)) return [...before, value];
  throw new InvalidArgumentError('A trait is a text of 1 to 100 characters.');
}

export function toWorld(value: string): string {
  if (isWorldName(value)) return value;
  throw new InvalidArgumentError('A world is 1 to 64 letters, digits, _ or -.');
}

function toZone(value: string): string {
  if (isZone(value)) return value;
  throw new InvalidArgumentError('A zone is an IANA time zone such as Europe/Paris.');
}

function toTtl(value: string): string {
  if (/^[1-9]\d{0,5}[smhd]$/.test(value)) return value;
  throw new InvalidArgumentError('A time is a number and s, m, h or d, such as 15m or 1d.');
}

function toName(value: string): string {
  if (isText(value, 300)) return value;
  throw new InvalidArgumentError('A name is a text of 1 to 300 characters.');
}

function toEmail(value: string): string {
  if (/^[^\s@]+@[^\s@]+$/.test(value) && value.length <= 320) return value;
  throw new InvalidArgumentError('An e-mail address looks like alice@example.org.');
}
