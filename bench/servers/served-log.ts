import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { openEmbeddedEventStore } from '../../src/event-store/embedded/embedded-event-store.js';
import { serveProtocol } from '../../src/event-store/protocol/serve-protocol.js';

/** An embedded log in the folder given, served over the EventStoreDB protocol. */
const [folder = ''] = process.argv.slice(2);
const log = await openEmbeddedEventStore({ dir: await mkdtemp(join(folder, 'log-')) });
const { port } = await serveProtocol(log, { host: '127.0.0.1', port: 0 });
process.send?.({ port });
