import type { Wire } from 'webtorrent';

/** The longest messages are a block of 128 KiB and a .torrent's metadata in 16 KiB; with headers. */
const MAX_MESSAGE = 256 * 1024;
/** libtorrent asks for at most 500 blocks at a time. */
const MAX_REQUESTS = 600;
/** What a peer that asks and does not read may make us hold: the 500 blocks. */
const MAX_UNSENT = 10 * 1024 * 1024;
/** Of all peers together. */
const MAX_UNSENT_IN_ALL = 128 * 1024 * 1024;

/** WebTorrent asks for what comes in a second: at this speed for 500 blocks, never more. */
const MOST_SHOWN_SPEED = 498 * 16 * 1024;
/** Milliseconds for which a speed is shown: WebTorrent asks for it at every piece of every peer. */
const SPEED_AGE = 20;

/** bittorrent-protocol believes any length and queues any number of requests. */
export function limitWires(): (wire: Wire) => void {
  const wires = new Set<Wire>();
  const unsent = (wire: Wire): number => wire._readableState.buffered;
  return (wire) => {
    wires.add(wire);
    wire.once('close', () => wires.delete(wire));
    const measure = wire.downloadSpeed.bind(wire);
    let shown = 0;
    let measuredAt = -Infinity;
    wire.downloadSpeed = (bytes) => {
      const now = performance.now();
      if (bytes !== undefined) measure(bytes);
      if (now - measuredAt > SPEED_AGE) {
        shown = Math.min(measure(), MOST_SHOWN_SPEED);
        measuredAt = now;
      }
      return shown;
    };
    const parse = wire._parse.bind(wire);
    wire._parse = (bytes, parser) => {
      // Number.MAX_VALUE is the library's way of reading nothing more.
      if (bytes > MAX_MESSAGE && bytes !== Number.MAX_VALUE) wire.destroy();
      else parse(bytes, parser);
    };
    wire.on('request', () => {
      if (wire.peerRequests.length > MAX_REQUESTS || unsent(wire) > MAX_UNSENT) wire.destroy();
      let inAll = 0;
      for (const each of wires) inAll += unsent(each);
      if (inAll <= MAX_UNSENT_IN_ALL) return;
      [...wires].reduce((most, each) => (unsent(each) > unsent(most) ? each : most)).destroy();
    });
  };
}
