import { EventEmitter } from 'node:events';

/** Two ends of one connection as far as extensions see it (BEP 10); messages arrive at once. */
export interface FakeWire extends EventEmitter {
  /** This very object, for functions that take WebTorrent's. */
  readonly wire: never;
  unchoke: () => void;
  readonly destroy: () => void;
  destroyed: boolean;
  choked: boolean;
  /** Payloads that were sent. */
  readonly sent: Buffer[];
  /** What a peer sends. */
  readonly receive: (payload: Uint8Array) => void;
  /** The peer's extended handshake; it speaks the same extension. */
  readonly greet: (handshake?: Record<string, unknown>) => void;
}

interface FakeOptions {
  readonly address: string;
  readonly port?: number;
  readonly type?: 'tcpIncoming' | 'tcpOutgoing';
  readonly peerId?: string;
}

interface Extension {
  readonly onExtendedHandshake: (handshake: Record<string, unknown>) => void;
  readonly onMessage: (payload: Uint8Array) => void;
}

export function fakeWire({ address, port, type, peerId }: FakeOptions): FakeWire {
  const emitter = new EventEmitter() as EventEmitter & Record<string, unknown>;
  const sent: Buffer[] = [];
  const extensions = new Map<string, Extension>();
  const fake = Object.assign(emitter, {
    destroyed: false,
    choked: true,
    sent,
    wire: emitter as never,
    receive: (payload: Uint8Array) => {
      for (const extension of extensions.values()) extension.onMessage(payload);
    },
    greet: (handshake: Record<string, unknown> = {}) => {
      for (const name of extensions.keys()) Object.assign(mapping, { [name]: 1 });
      for (const extension of extensions.values()) extension.onExtendedHandshake(handshake);
    },
    remoteAddress: address,
    remotePort: port ?? 6881,
    type: type ?? 'tcpOutgoing',
    peerId: peerId ?? 'ab'.repeat(20),
    peerInterested: true,
    unchoke: () => {
      fake.choked = false;
    },
    choke: () => {
      fake.choked = true;
    },
    destroy: () => {
      fake.destroyed = true;
      emitter.emit('close');
    },
    use: (made: new (wire: unknown) => Extension) => {
      extensions.set(String((made.prototype as { name: unknown }).name), new made(emitter));
    },
    extended: (_: string, payload: Uint8Array) => {
      sent.push(Buffer.from(payload));
    },
  });
  const mapping: Record<string, number> = {};
  Object.assign(emitter, { peerExtendedMapping: mapping });
  return fake;
}
