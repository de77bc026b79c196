import { textFrames } from './frames.js';

/** Messages of one dialect on their way to any number of connections, encoded once for all of them. */
export class Messages {
  #frames: Buffer | undefined;
  #bytes: number | undefined;

  constructor(readonly texts: readonly string[]) {}

  /** As WebSocket frames. */
  get frames(): Buffer {
    return (this.#frames ??= textFrames(this.texts));
  }

  /** As UTF-8. */
  get bytes(): number {
    return (this.#bytes ??= this.texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0));
  }
}
