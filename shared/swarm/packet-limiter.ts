/** A client with 300 torrents sends as many packets a minute when it starts, and few later. */
const PER_SENDER = 60;
/** Of all senders: source addresses can be forged. */
const IN_ALL = 1000;
const WINDOW = 60_000;

/** Says of each packet whether it is worth reading; counts anew each minute. */
export function packetLimiter(now = (): number => performance.now()): {
  readonly accepts: (sender: string) => boolean;
} {
  let startedAt = now();
  let inAll = 0;
  const bySender = new Map<string, number>();
  return {
    accepts: (sender) => {
      if (now() - startedAt >= WINDOW) {
        startedAt = now();
        inAll = 0;
        bySender.clear();
      }
      const count = bySender.get(sender) ?? 0;
      if (inAll >= IN_ALL || count >= PER_SENDER) return false;
      inAll++;
      bySender.set(sender, count + 1);
      return true;
    },
  };
}
