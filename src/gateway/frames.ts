const FIN_TEXT = 0x81;
const TWO_BYTE_LENGTH = 126;
const EIGHT_BYTE_LENGTH = 127;

/**
 * WebSocket text messages as the bytes a server sends (RFC 6455: unmasked, unfragmented, uncompressed), in one buffer
 * that may go to many sockets.
 */
export function textFrames(texts: readonly string[]): Buffer {
  let total = 0;
  for (const text of texts) {
    const length = Buffer.byteLength(text);
    total += headerLength(length) + length;
  }
  const frames = Buffer.allocUnsafe(total);
  let offset = 0;
  for (const text of texts) {
    const length = Buffer.byteLength(text);
    offset = writeHeader(frames, offset, length);
    offset += frames.write(text, offset);
  }
  return frames;
}

const headerLength = (length: number): number => (length < TWO_BYTE_LENGTH ? 2 : length < 65_536 ? 4 : 10);

function writeHeader(frames: Buffer, start: number, length: number): number {
  const offset = frames.writeUInt8(FIN_TEXT, start);
  if (length < TWO_BYTE_LENGTH) return frames.writeUInt8(length, offset);
  if (length < 65_536) return frames.writeUInt16BE(length, frames.writeUInt8(TWO_BYTE_LENGTH, offset));
  // Eight bytes of length; a JavaScript string's length fits the lower six.
  return frames.writeUIntBE(length, frames.writeUInt16BE(0, frames.writeUInt8(EIGHT_BYTE_LENGTH, offset)), 6);
}
