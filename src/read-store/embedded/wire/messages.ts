import { decode, encode, isDoc } from '../bson/values.js';
import type { Doc } from '../bson/values.js';

const opReply = 1;
const opQuery = 2004;
const opMsg = 2013;
const headerSize = 16;
const checksumPresent = 1;
const moreToCome = 2;
/** The largest message taken in or sent out, as announced in hello. */
export const maxMessageSize = 48_000_000;

/** What cannot be understood ends the connection: nothing sensible can be answered to it. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

export interface Request {
  readonly requestId: number;
  readonly command: Doc;
  /** The sender wants no reply (an unacknowledged write). */
  readonly silent: boolean;
  /** The opening hello may come as OP_QUERY and wants an OP_REPLY. */
  readonly legacy: boolean;
}

/** Cuts the byte stream into messages. */
export class Framer {
  private chunks: Buffer[] = [];
  private size = 0;

  push(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.size += chunk.length;
  }

  /** The next whole message, `undefined` when more bytes are needed. @throws ProtocolError */
  next(): Buffer | undefined {
    if (this.size < headerSize) return undefined;
    const [first] = this.chunks;
    if (first === undefined || first.length < 4) return this.join().length < 4 ? undefined : this.next();
    const length = first.readInt32LE();
    if (length < headerSize || length > maxMessageSize) throw new ProtocolError(`invalid message length ${length}`);
    if (this.size < length) return undefined;
    const bytes = this.join();
    this.size -= length;
    this.chunks = this.size > 0 ? [bytes.subarray(length)] : [];
    return bytes.subarray(0, length);
  }

  private join(): Buffer {
    const [only] = this.chunks;
    const joined = only !== undefined && this.chunks.length === 1 ? only : Buffer.concat(this.chunks);
    this.chunks = [joined];
    return joined;
  }
}

/** @throws ProtocolError, or BSONError for a document that cannot be read */
export function readRequest(message: Buffer): Request {
  const requestId = message.readInt32LE(4);
  const opCode = message.readInt32LE(12);
  if (opCode === opMsg) return { requestId, ...readMsg(message), legacy: false };
  if (opCode === opQuery) return { requestId, command: readQuery(message), silent: false, legacy: true };
  throw new ProtocolError(`unsupported opcode ${opCode}`);
}

function readMsg(message: Buffer): { command: Doc; silent: boolean } {
  const flags = message.readUInt32LE(headerSize);
  if ((flags & 0xffff & ~(checksumPresent | moreToCome)) !== 0) throw new ProtocolError(`unknown flags ${flags}`);
  const end = message.length - ((flags & checksumPresent) !== 0 ? 4 : 0);
  let command: Doc | undefined;
  const sequences: [string, Doc[]][] = [];
  let at = headerSize + 4;
  while (at < end) {
    const kind = message.readUInt8(at);
    const size = message.readInt32LE(at + 1);
    const sectionEnd = at + 1 + size;
    if (size < 5 || sectionEnd > end) throw new ProtocolError('a section runs past the end of its message');
    if (kind === 0 && command === undefined) command = decode(message.subarray(at + 1, sectionEnd));
    else if (kind === 1) sequences.push(readSequence(message.subarray(at + 5, sectionEnd)));
    else throw new ProtocolError(`unexpected section of kind ${kind}`);
    at = sectionEnd;
  }
  if (command === undefined) throw new ProtocolError('a message without a body');
  for (const [name, documents] of sequences) {
    if (Object.hasOwn(command, name)) throw new ProtocolError(`the field ${name} is there twice`);
    command[name] = documents;
  }
  return { command, silent: (flags & moreToCome) !== 0 };
}

/** A document sequence: the array field it stands for, and its documents. */
function readSequence(section: Buffer): [string, Doc[]] {
  const nameEnd = section.indexOf(0);
  if (nameEnd < 1) throw new ProtocolError('a document sequence without a name');
  const documents: Doc[] = [];
  let at = nameEnd + 1;
  while (at < section.length) {
    const size = section.length - at < 4 ? 0 : section.readInt32LE(at);
    if (size < 5 || at + size > section.length) throw new ProtocolError('a document runs past the end of its section');
    documents.push(decode(section.subarray(at, at + size)));
    at += size;
  }
  return [section.toString('utf8', 0, nameEnd), documents];
}

function readQuery(message: Buffer): Doc {
  const nameEnd = message.indexOf(0, headerSize + 4);
  const namespace = message.toString('utf8', headerSize + 4, nameEnd);
  const start = nameEnd + 1 + 8;
  if (nameEnd < 0 || start + 4 > message.length) throw new ProtocolError('a truncated OP_QUERY');
  const query = decode(message.subarray(start, start + message.readInt32LE(start)));
  if (!namespace.endsWith('.$cmd')) throw new ProtocolError('OP_QUERY is only taken for the opening hello');
  const wrapped = query['$query'];
  return { ...(isDoc(wrapped) ? wrapped : query), $db: namespace.slice(0, -'.$cmd'.length) };
}

let lastRequestId = 0;

/** The reply as bytes; `body` is a document or one that is encoded already. */
export function writeReply(request: Request, body: Doc | Uint8Array): Buffer {
  const document = body instanceof Uint8Array ? body : encode(body);
  const prefix = request.legacy ? 20 : 5;
  const message = Buffer.alloc(headerSize + prefix + document.length);
  message.writeInt32LE(message.length, 0);
  lastRequestId = (lastRequestId + 1) & 0x7fffffff;
  message.writeInt32LE(lastRequestId, 4);
  message.writeInt32LE(request.requestId, 8);
  message.writeInt32LE(request.legacy ? opReply : opMsg, 12);
  // OP_REPLY: flags, cursor id, starting from, number returned; OP_MSG: flags, kind of the one section.
  if (request.legacy) message.writeInt32LE(1, headerSize + 16);
  message.set(document, headerSize + prefix);
  return message;
}
