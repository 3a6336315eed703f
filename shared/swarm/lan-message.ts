/** What a computer of the local network says: it has, or wants, these torrents (BEP 14). */
export interface LanMessage {
  readonly port: number;
  /** 40 hex digits in lower case each. */
  readonly infoHashes: readonly string[];
  /** By which a sender knows its own messages; null when there is none. */
  readonly cookie: string | null;
}

/** BEP 14: what fits one packet on any network. */
export const MAX_LAN_MESSAGE = 1400;
/** So many info hashes fit, beside the other lines. */
export const MAX_LAN_HASHES = 22;

const FIRST_LINE = 'BT-SEARCH * HTTP/1.1';
const MAX_COOKIE = 64;

/** `host` is the group's address and port; at most `MAX_LAN_HASHES` hashes. */
export function encodeLanMessage(message: LanMessage, host: string): Buffer {
  const lines = [
    FIRST_LINE,
    `Host: ${host}`,
    `Port: ${message.port}`,
    ...message.infoHashes.map((infoHash) => `Infohash: ${infoHash}`),
    ...(message.cookie === null ? [] : [`cookie: ${message.cookie}`]),
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n\r\n`);
}

/**
 * Reads a packet that anybody on the network can send. Null for what is no announcement: another
 * first line, no usable port, no info hash. Unknown lines are passed over.
 */
export function parseLanMessage(packet: Uint8Array): LanMessage | null {
  if (packet.length > MAX_LAN_MESSAGE) return null;
  const [first, ...lines] = Buffer.from(packet).toString('latin1').split('\r\n');
  if (first !== FIRST_LINE) return null;
  let port: number | null = null;
  let cookie: string | null = null;
  const infoHashes = new Set<string>();
  for (const line of lines) {
    // The headers end here.
    if (line === '') break;
    const [, name = '', value = ''] = /^([a-z]+):[ \t]*(.*?)[ \t]*$/i.exec(line) ?? [];
    switch (name.toLowerCase()) {
      case 'port':
        // Two ports would be read differently by different clients.
        if (port !== null || !/^[1-9]\d{0,4}$/.test(value)) return null;
        port = Number(value);
        break;
      case 'infohash':
        if (/^[0-9a-f]{40}$/i.test(value)) infoHashes.add(value.toLowerCase());
        break;
      case 'cookie':
        cookie = value.slice(0, MAX_COOKIE);
        break;
    }
  }
  // Below 1024 something else listens, which nobody may make us call.
  if (port === null || port < 1024 || port >= 65_535 || infoHashes.size === 0) return null;
  return { port, infoHashes: [...infoHashes], cookie };
}
