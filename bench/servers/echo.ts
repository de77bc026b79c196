import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';

/** The least a WebSocket server can do: every message goes back as it came. */
const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
server.on('connection', (ws) => ws.on('message', (data, binary) => ws.send(data, { binary })));
await once(server, 'listening');
process.send?.({ port: (server.address() as AddressInfo).port });
