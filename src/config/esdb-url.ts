const host = String.raw`[\w.-]+(?::\d{1,5})?`;
const shape = new RegExp(
  String.raw`^esdb(?:\+discover)?://(?:[^:@/?]+:[^@/?]+@)?${host}(?:,${host})*/?(?:\?(?<options>.+))?$`,
);

const flag = /^(?:true|false)$/;
const count = /^\d{1,9}$/;
const some = /^.+$/;

/** What the client knows, of that what works here: it tells the whole URL, with its password, of anything else it finds in it. */
const options: Readonly<Record<string, RegExp>> = {
  tls: flag,
  tlsVerifyCert: /^true$/,
  tlsCAFile: some,
  userCertFile: some,
  userKeyFile: some,
  connectionName: some,
  throwOnAppendFailure: /^true$/,
  // Another node may be behind the one that told of an event.
  nodePreference: /^leader$/,
  maxDiscoverAttempts: count,
  discoveryInterval: count,
  gossipTimeout: count,
  defaultDeadline: count,
  keepAliveInterval: count,
  keepAliveTimeout: count,
};

/** What `toEsdbUrl` takes, for messages. */
export const esdbUrl = 'an esdb:// or esdb+discover:// URL with options of the client';

/** The connection string, undefined for one the client could not use as it is meant. */
export function toEsdbUrl(value: string): string | undefined {
  const match = shape.exec(value);
  if (!match) return undefined;
  const given = match.groups?.['options']?.split('&') ?? [];
  const known = given.every((option) => {
    const [name = '', text = '', ...more] = option.split('=');
    return more.length === 0 && Object.hasOwn(options, name) && options[name]?.test(text) === true;
  });
  return known ? value : undefined;
}
