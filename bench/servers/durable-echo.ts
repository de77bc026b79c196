import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { intoLmdb, openBareLmdb } from '../durable.js';

/**
 * The least a durable WebSocket server can do: two puts of a ready record into lmdb for each message, which goes back as it
 * came once they are on disk. It parses, checks and decides nothing.
 */
const put = intoLmdb(openBareLmdb(process.argv[2] ?? ''));
let puts = 0;
const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
server.on('connection', (ws) =>
  ws.on('message', (data, binary) => {
    void put(puts++).then(() => ws.send(data, { binary }));
  }),
);
await once(server, 'listening');
process.send?.({ port: (server.address() as AddressInfo).port });
