// Only what this folder uses of webtorrent 3.0.21, including the few private fields that its guards
// need; the version is pinned for their sake.

declare module 'webtorrent' {
  import type { EventEmitter } from 'node:events';
  import type { AddressInfo, Server, Socket } from 'node:net';

  export interface ChunkStore {
    readonly chunkLength: number;
    put(index: number, bytes: Uint8Array, done: (error: Error | null) => void): void;
    get(
      index: number,
      options: { offset?: number; length?: number } | null,
      done: (error: Error | null, bytes?: Uint8Array) => void,
    ): void;
    close(done: (error: Error | null) => void): void;
    destroy(done: (error: Error | null) => void): void;
  }

  export interface ClientOptions {
    readonly [option: string]: unknown;
  }

  export interface AddOptions {
    readonly preloadedStore: ChunkStore;
    readonly storeCacheSlots: 0;
    readonly deselect?: boolean;
    readonly strategy?: 'rarest' | 'sequential';
    readonly bitfield?: Uint8Array;
    readonly uploads?: false | number;
    readonly skipVerify?: boolean;
  }

  export interface Wire extends EventEmitter {
    readonly peerId: string;
    remoteAddress?: string;
    remotePort?: number;
    readonly type: string;
    readonly peerPieces: { readonly get: (index: number) => boolean; readonly buffer: Uint8Array };
    readonly peerInterested: boolean;
    readonly peerChoking: boolean;
    readonly peerRequests: readonly unknown[];
    /** What we have asked for. */
    readonly requests: readonly { piece: number; offset: number; length: number }[];
    _onPiece: (index: number, offset: number, block: Uint8Array) => void;
    readonly peerExtendedMapping: Readonly<Record<string, number>>;
    readonly extendedHandshake: Record<string, unknown>;
    /** Bytes a second lately; counts `bytes` that have just come. */
    downloadSpeed: (bytes?: number) => number;
    /** Sends. */
    _push: (bytes: Uint8Array) => void;
    /** What is not sent yet. */
    readonly _readableState: { readonly buffered: number };
    _parse: (bytes: number, parser: unknown) => void;
    unchoke: () => void;
    have: (index: number) => void;
    choke(): void;
    extended(name: string, payload: Uint8Array): void;
    use(extension: WireExtensionClass): void;
    destroy(): void;
  }

  /** BEP 10; `prototype.name` is its name in the handshake. */
  export type WireExtensionClass = new (wire: Wire) => {
    readonly onExtendedHandshake: (handshake: Readonly<Record<string, unknown>>) => void;
    readonly onMessage: (payload: Uint8Array) => void;
  };

  export interface Peer {
    readonly type: string;
    readonly conn: Socket | null;
    readonly wire: Wire | null;
    readonly destroyed: boolean;
    /** Connections that were tried again. */
    retries: number;
  }

  export interface Torrent extends EventEmitter {
    readonly infoHash: string;
    readonly destroyed: boolean;
    readonly ready: boolean;
    readonly numPeers: number;
    readonly downloaded: number;
    readonly uploaded: number;
    readonly wires: readonly Wire[];
    /** Null for a piece that is verified. */
    readonly pieces: readonly unknown[];
    readonly _peers: ReadonlyMap<string, Peer> | null;
    readonly _peersLength: number;
    /** SHA-1 of each piece, in hexadecimal. */
    readonly _hashes: readonly string[];
    /** Notes that a piece is there, and emits `verified`; tells no peer. */
    _markVerified(index: number): void;
    /** Looks at every peer for something to ask it. */
    _update: () => void;
    /** Asks for a block of a piece; false when there is none to ask this peer for. */
    _request: (wire: Wire, index: number, hotswap: boolean) => boolean;
    /** Peers that are not called yet, in order. */
    readonly _queue: Peer[];
    _addIncomingPeer: (peer: Peer) => void;
    select(first: number, last: number, priority?: number): void;
    deselect(first: number, last: number): void;
    addPeer(peer: string): boolean;
    removePeer(peer: string): void;
    destroy(): void;
  }

  export default class WebTorrent extends EventEmitter {
    constructor(options: ClientOptions);
    readonly peerId: string;
    readonly torrentPort: number;
    readonly torrents: readonly Torrent[];
    readonly _connPool: { readonly tcpServer: Server };
    /** Called with the info hash of each incoming handshake. */
    get: (infoHash: string) => Promise<Torrent | null>;
    add(torrent: Uint8Array, options: AddOptions): Torrent;
    address(): AddressInfo | null;
    destroy(): void;
  }
}
