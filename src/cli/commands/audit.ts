import { join } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { stateAt, type Moment } from '../../audit/state-at.js';
import { toUtc } from '../../audit/times.js';
import { readConfig, type Config } from '../../config/config.js';
import { structuralProblem } from '../../event-store/embedded/check.js';
import type { EventStore } from '../../event-store/event-store.js';
import { openEventStore } from '../../event-store/open.js';
import { deciders, eventRegistry } from '../../event-registry.js';
import { isText } from '../../eventsourcing/validation.js';
import { exportedEvents } from '../audit/exported-file.js';
import { exportLog, positionOf, type ExportFormat } from '../audit/export.js';
import { writeOutput } from '../audit/output.js';
import { keyOf, signedHeads, verifyOrFail, writeHeads } from '../audit/verify.js';
import { progressBar } from '../bar.js';
import { dataDirOf, dataDirOption } from '../data-dir.js';
import { Failure } from '../failure.js';
import { toWorld } from './token.js';

interface Folder {
  readonly dataDir?: string;
}

interface ExportArguments extends Folder {
  readonly world?: string;
  readonly out?: string;
  readonly after?: string;
  readonly type: readonly string[];
  readonly since?: string;
  readonly until?: string;
  readonly format: ExportFormat;
}

interface VerifyArguments extends Folder {
  readonly heads?: string;
  readonly key?: string;
  readonly sign?: string;
  readonly file?: string;
  readonly partial?: boolean;
}

/** `convoke audit`: for auditors; reads the log only, embedded (also beside a running server) or on EventStoreDB. */
export function addAudit(program: Command): void {
  const audit = program
    .command('audit')
    .description('look into the event log, read-only, also beside a running server');
  const command = (name: string, description: string): Command =>
    audit.command(name).description(description).addOption(dataDirOption());
  command('export', 'write events as NDJSON, one a line')
    .option('--world <world>', 'of one tenant only', toWorld)
    .option('--out <file>', 'to a file, which appears when it is complete; default: standard output')
    .option('--after <position>', 'only what comes after this position')
    .option('--type <type>', 'a type of event; may be repeated', toTypes, [])
    .option('--since <time>', 'from this time on, e.g. 2026-01-31T09:00:00Z', toTime)
    .option('--until <time>', 'before this time', toTime)
    .addOption(
      new Option('--format <format>', 'how events are written').choices(['cloudevents', 'raw']).default('cloudevents'),
    )
    .action(exportEvents);
  command('replay', 'print a state as it was')
    .argument('<kind>', deciders.map(({ category }) => category).join(', '))
    .argument('<id>', 'what follows the dash in the name of its stream')
    .option('--at <moment>', 'a time such as 2026-01-31T09:00:00Z, or a position; default: now')
    .action(replay);
  command('verify', 'check every hash chain, up to the first event that does not fit')
    .option('--sign <file>', 'write signed heads, to be kept elsewhere')
    .option('--heads <file>', 'check that heads signed earlier are still there')
    .option('--key <file>', 'public key for --heads; default: the key of the data folder')
    .addOption(new Option('--file <export>', 'check an exported file instead of the log').conflicts('sign'))
    .option('--partial', 'the file is a selection: events may be missing between those it has')
    .action(verify);
  command('key', 'print the public key that heads are signed with, as a JWK').action(async (folder: Folder) => {
    process.stdout.write(`${JSON.stringify((await keyOf(dataDirOf(folder))).publicJwk)}\n`);
  });
}

async function exportEvents({ out, dataDir, type, ...given }: ExportArguments): Promise<void> {
  const bar = terminalBar('Exporting');
  const onProgress = (done: bigint, total: bigint): void => bar?.show(Number(done + 1n), Number(total + 1n));
  await withLog(dataDir === undefined ? {} : { dataDir }, async (store) => {
    const text = await exportLog(store, { ...given, onProgress, ...(type.length > 0 && { types: type }) });
    await writeOutput(text, out);
  }).finally(() => bar?.stop());
}

async function replay(kind: string, id: string, { at, ...folder }: Folder & { readonly at?: string }): Promise<void> {
  const decider = deciders.find(({ category }) => category === kind);
  if (!decider)
    throw new Failure(`there is no kind ${kind}; there are ${deciders.map((one) => one.category).join(', ')}`, 2);
  await withLog(folder, async (store) => {
    const moment = at === undefined ? {} : { moment: await momentOf(store, at) };
    const found = await stateAt(store, eventRegistry, decider, { id, ...moment });
    if (!found) throw new Failure(`there is no ${kind} ${id}${at === undefined ? '' : ' at that moment'}`);
    process.stdout.write(`${JSON.stringify(found, undefined, 2)}\n`);
  });
}

async function momentOf(store: EventStore, text: string): Promise<Moment> {
  const time = toUtc(text);
  return time === undefined ? { position: await positionOf(store, text) } : { time };
}

async function verify({ file, partial, heads, key, sign, ...folder }: VerifyArguments): Promise<void> {
  if (partial === true && file === undefined) throw new Failure('--partial is for --file', 2);
  if (key !== undefined && heads === undefined) throw new Failure('--key is for --heads', 2);
  const dataDir = dataDirOf(folder);
  const signed = heads === undefined ? undefined : await signedHeads(heads, dataDir, key);
  if (file !== undefined) {
    const { summary } = await verifyOrFail(exportedEvents(file), { partial: partial === true }, signed);
    process.stdout.write(summary);
    return;
  }
  const damage = servedBy(folder) ? undefined : await structuralProblem(join(dataDir, 'log'));
  if (damage !== undefined) throw new Failure(`the data file is damaged: ${damage}`);
  await withLog(folder, async (store) => {
    const bar = terminalBar('Verifying');
    const total = Number((await store.head()) + 1n);
    const onEvent = (position: bigint): void => {
      if (position % 1_000n === 999n) bar?.show(Number(position + 1n), total);
    };
    const { report, summary } = await verifyOrFail(store.readAll(), { store, onEvent }, signed).finally(() =>
      bar?.stop(),
    );
    if (sign !== undefined) await writeHeads(sign, dataDir, store, report);
    process.stdout.write(summary);
  });
}

/** The EventStoreDB server the log is on; a data folder that is named is meant instead. */
const servedBy = ({ dataDir }: Folder): Config['eventStore'] =>
  dataDir === undefined ? readConfig(process.env).eventStore : undefined;

/** @throws StoreUnavailable when there is no log */
async function withLog(folder: Folder, work: (store: EventStore) => Promise<void>): Promise<void> {
  const log = { eventStore: servedBy(folder), dataDir: dataDirOf(folder) };
  const store = await openEventStore(log, { readOnly: true });
  try {
    await work(store);
  } finally {
    await store.close();
  }
}

const terminalBar = (label: string) => (process.stderr.isTTY ? progressBar(label) : undefined);

function toTypes(value: string, before: readonly string[]): string[] {
  if (isText(value, 300)) return [...before, value];
  throw new InvalidArgumentError('A type is a text of 1 to 300 characters.');
}

function toTime(value: string): string {
  const time = toUtc(value);
  if (time !== undefined) return time;
  throw new InvalidArgumentError('A time has an offset and at most milliseconds, such as 2026-01-31T09:00:00Z.');
}
