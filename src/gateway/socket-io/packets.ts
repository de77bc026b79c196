import { EventEmitter } from 'node:events';
import { Refused } from '../../eventsourcing/refused.js';
import { isObject } from '../../eventsourcing/validation.js';
import { parseJson } from '../json.js';

/** Socket.IO's types of packets, as far as they matter here. */
const PacketType = { connect: 0, disconnect: 1, event: 2 } as const;

interface Packet {
  readonly type: number;
  readonly nsp: string;
  readonly data?: unknown;
  readonly id?: number;
}

/** Under this name our connections get each message of a client, whole. */
export const frameEvent = 'frame';

const head = /^\d(?:(\d+)-)?(?:(\/[^,]*),?)?(.*)$/s;
const maxAttachments = 10;

/**
 * Reads what clients send for Socket.IO's server: it needs to understand how a connection begins and ends. Everything else
 * goes on as the text it is, to be judged in its turn by the dialect, as strictly as any other JSON.
 */
class Decoder extends EventEmitter {
  /** Binary messages that belong to a packet, which is refused as a whole. */
  #attachments = 0;
  #hasBegun = false;

  /**
   * There is one namespace, and one sign-in to it: Socket.IO would answer any other itself, past every limit.
   * @throws Refused for what is no way to begin: Socket.IO then closes the connection
   */
  add(message: unknown): void {
    if (typeof message !== 'string') {
      if (this.#attachments > 0) this.#attachments -= 1;
      else this.#frame(undefined);
      return;
    }
    const type = Number(message.charAt(0));
    const [, attachments, nsp = '/', rest = ''] = head.exec(message) ?? [];
    if (type === PacketType.connect) {
      if (nsp !== '/' || this.#hasBegun) throw new Refused('protocol.invalid');
      this.#hasBegun = true;
      const data = rest === '' ? undefined : parseJson(rest);
      if (data !== undefined && !isObject(data)) throw new Refused('protocol.invalid');
      this.#decoded({ type, nsp, data });
    } else if (type === PacketType.disconnect) {
      this.#decoded({ type, nsp });
    } else {
      this.#attachments = Math.min(Number(attachments ?? 0), maxAttachments);
      this.#frame(message);
    }
  }

  /** Called by Socket.IO at the end of a connection; nothing is held. */
  destroy(): void {
    this.removeAllListeners();
  }

  #frame(text: string | undefined): void {
    this.#decoded({ type: PacketType.event, nsp: '/', data: [frameEvent, text] });
  }

  #decoded(packet: Packet): void {
    this.emit('decoded', packet);
  }
}

/** Writes how a connection begins and ends; our connections write their messages themselves. */
class Encoder {
  encode({ type, nsp, data }: Packet): string[] {
    const space = nsp === '/' ? '' : `${nsp},`;
    return [`${type}${space}${data === undefined ? '' : JSON.stringify(data)}`];
  }
}

/** The option `parser` of Socket.IO's server. Clients use the one they come with: the protocol is the same. */
export const packets = { Encoder, Decoder };
