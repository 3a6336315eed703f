declare module 'bittorrent-tracker' {
  import type { Socket as UdpSocket } from 'node:dgram';
  import type { EventEmitter } from 'node:events';
  import type { Server as HttpServer } from 'node:http';

  interface Hosts {
    readonly http: string;
    readonly udp: string;
    readonly udp6: string;
  }

  export class Server extends EventEmitter {
    constructor(options: {
      readonly http: boolean;
      readonly udp: boolean;
      readonly ws: boolean;
      readonly stats: boolean;
      readonly interval: number;
      readonly peersCacheLength: number;
      readonly filter: (
        infoHash: string,
        params: unknown,
        done: (error: Error | null) => void,
      ) => void;
    });
    readonly http: HttpServer;
    readonly udp4: UdpSocket;
    readonly udp6: UdpSocket | null;
    /** By info hash. */
    readonly torrents: Record<string, { readonly complete: number; readonly incomplete: number }>;
    listen(ports: { readonly http: number; readonly udp: number }, hosts: Hosts): void;
    close(done: () => void): void;
  }
}
