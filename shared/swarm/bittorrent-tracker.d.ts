declare module 'bittorrent-tracker' {
  import type { EventEmitter } from 'node:events';

  export class Client extends EventEmitter {
    constructor(options: {
      readonly infoHash: string;
      readonly peerId: string;
      readonly port: number;
      readonly announce: readonly string[];
      readonly userAgent: string;
      readonly wrtc: false;
      readonly getAnnounceOpts: () => { uploaded: number; downloaded: number; left: number };
    });
    start(): void;
    stop(): void;
    complete(): void;
    setInterval(milliseconds: number): void;
    destroy(done: () => void): void;
  }
}

declare module 'bencode' {
  const bencode: { decode: (data: Uint8Array | string, ...rest: readonly unknown[]) => unknown };
  export default bencode;
}
