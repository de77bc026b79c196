import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from 'socket.io';

/** Acknowledges every call with what it was called with. */
const http = createServer();
const io = new Server(http, { transports: ['websocket'] });
io.on('connection', (socket) => {
  socket.on('call', (payload: unknown, acknowledge: (payload: unknown) => void) => acknowledge(payload));
});
http.listen(0, '127.0.0.1');
await once(http, 'listening');
process.send?.({ port: (http.address() as AddressInfo).port });
