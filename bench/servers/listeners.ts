import { connect } from 'node:net';

/**
 * Many WebSocket clients that count what comes and do nothing else, so that the server and not they are measured:
 * bare TCP sockets that shake hands and then count bytes.
 */
const [port = '', path = '', count = '0'] = process.argv.slice(2);
const buffer = Buffer.alloc(256 * 1024);
let received = 0;
let expected = Infinity;

const upgrade = [
  `GET ${path} HTTP/1.1`,
  `Host: 127.0.0.1:${port}`,
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Version: 13',
  `Sec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}`,
  'Authorization: Bearer listener',
  '\r\n',
].join('\r\n');
/** Socket.IO wants to be told which namespace: the text `40`, masked with zeros. */
const joinNamespace = Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x34, 0x30]);

function listen(): Promise<void> {
  return new Promise((resolve, reject) => {
    let open = false;
    const socket = connect({
      port: Number(port),
      host: '127.0.0.1',
      onread: {
        buffer,
        callback: (bytes) => {
          if (!open) {
            open = true;
            const upgraded = buffer.toString('latin1', 0, 12) === 'HTTP/1.1 101';
            if (upgraded && path.startsWith('/socket.io')) socket.write(joinNamespace);
            if (upgraded) resolve();
            else reject(new Error('the upgrade was refused'));
          }
          received += bytes;
          if (received >= expected) {
            expected = Infinity;
            process.send?.({ heard: true });
          }
          return true;
        },
      },
    });
    socket.on('error', reject);
    socket.write(upgrade);
  });
}

for (let n = 0; n < Number(count); n += 50) {
  await Promise.all(Array.from({ length: 50 }, listen));
}
process.on('message', ({ expect }: { expect?: number }) => {
  if (expect === undefined) return;
  received = 0;
  expected = expect;
  process.send?.({ expecting: true });
});
process.send?.({ open: true });
