import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * People in a room, each on a bare TCP socket that speaks just enough WebSocket: it enters, reacts once a second when it is
 * told to, answers pings, and counts what comes by the first bytes of each frame.
 */
const [port = '', path = '', room = ''] = process.argv.slice(2);
const emojis = ['👏', '\u2764\uFE0F', '👍', '🤣', '😮'];
const [reaction, success, failure] = ['["room.reaction"', '["success"', '["error"'].map((text) => Buffer.from(text));

/** A text or pong of a client, masked with zeros. */
function masked(opcode: number, payload: Buffer): Buffer {
  const header = payload.length < 126 ? [0x80 | payload.length] : [0xfe, payload.length >> 8, payload.length & 0xff];
  return Buffer.concat([Buffer.from([0x80 | opcode, ...header, 0, 0, 0, 0]), payload]);
}
const text = (frame: unknown): Buffer => masked(1, Buffer.from(JSON.stringify(frame)));

const frames = emojis.map((emoji, id) => text(['room.react', id, { room, reaction: emoji }]));
const counts = { answered: 0, failed: 0, lost: 0 };

class Person {
  /** `room.reaction`s heard. */
  heard = 0;
  private left: Buffer | undefined;
  private next = 0;

  private constructor(private readonly socket: Socket) {
    socket.on('data', (bytes) => this.read(this.left ? Buffer.concat([this.left, bytes]) : bytes));
    socket.on('close', () => counts.lost++);
  }

  static enter(token: string): Promise<Person> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true });
      socket.on('error', reject);
      socket.write(
        `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}\r\n` +
          `Authorization: Bearer ${token}\r\n\r\n`,
      );
      socket.once('data', (bytes: Buffer) => {
        const end = bytes.indexOf('\r\n\r\n') + 4;
        if (!bytes.toString('latin1', 0, 12).endsWith('101')) return reject(new Error('the upgrade was refused'));
        const person = new Person(socket);
        if (end < bytes.length) person.read(bytes.subarray(end));
        socket.write(text(['room.enter', 9, { room }]));
        return resolve(person);
      });
    });
  }

  react(): void {
    this.socket.write(frames[this.next++ % frames.length] ?? '');
  }

  private read(bytes: Buffer): void {
    let at = 0;
    for (;;) {
      const size = frameSize(bytes, at);
      if (size === undefined || at + size.all > bytes.length) break;
      const payload = bytes.subarray(at + size.header, at + size.all);
      if (((bytes[at] ?? 0) & 0xf) === 9) this.socket.write(masked(10, payload));
      else if (startsWith(payload, reaction)) this.heard++;
      else if (startsWith(payload, success)) counts.answered++;
      else if (startsWith(payload, failure)) counts.failed++;
      at += size.all;
    }
    this.left = at < bytes.length ? bytes.subarray(at) : undefined;
  }
}

/** Of a frame of the server, which masks nothing; undefined as long as its header is not there. */
function frameSize(bytes: Buffer, at: number): { readonly header: number; readonly all: number } | undefined {
  if (at + 4 > bytes.length) return undefined;
  const short = (bytes[at + 1] ?? 0) & 0x7f;
  if (short < 126) return { header: 2, all: 2 + short };
  if (short === 126) return { header: 4, all: 4 + bytes.readUInt16BE(at + 2) };
  if (at + 10 > bytes.length) return undefined;
  return { header: 10, all: 10 + Number(bytes.readBigUInt64BE(at + 2)) };
}

const startsWith = (payload: Buffer, prefix: Buffer | undefined): boolean =>
  prefix !== undefined && payload.subarray(0, prefix.length).equals(prefix);

let people: Person[] = [];

async function open(tokens: readonly string[]): Promise<void> {
  for (let n = 0; n < tokens.length; n += 50) {
    people.push(...(await Promise.all(tokens.slice(n, n + 50).map((token) => Person.enter(token)))));
  }
  while (counts.answered < tokens.length && counts.failed + counts.lost === 0) await delay(10);
  process.send?.({ open: counts });
}

/** Everyone reacts once a second, each at a moment of its own, as people do. */
async function react(seconds: number): Promise<void> {
  const begin = performance.now();
  const [entered, total] = [counts.answered, seconds * people.length];
  people = people.map((person) => Object.assign(person, { heard: 0 }));
  for (let sent = 0; sent < total;) {
    const due = Math.min(total, Math.floor(((performance.now() - begin) / 1_000) * people.length));
    for (; sent < due; sent++) people[sent % people.length]?.react();
    await delay(5);
  }
  while (counts.answered - entered < total && counts.failed + counts.lost === 0) await delay(10);
  process.send?.({ reacted: { ...counts, answered: counts.answered - entered } });
}

process.on('message', (message: { tokens?: readonly string[]; seconds?: number; ask?: string }) => {
  if (message.tokens) void open(message.tokens);
  if (message.seconds !== undefined) void react(message.seconds);
  if (message.ask === 'heard') process.send?.({ heard: people.map(({ heard }) => heard) });
});
// Nothing else is open yet.
process.channel?.ref();
process.send?.({ started: true });
