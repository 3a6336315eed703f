import { setTimeout as sleep } from 'node:timers/promises';

/** A stage for `pipeline` that delays chunks. */
export type ByteThrottle = (chunks: AsyncIterable<Buffer>) => AsyncIterable<Buffer>;

/**
 * Makes a stage that, over all streams it is used in, passes at most `bytesPerSecond` on average.
 * Chunks are sent in the order in which they asked, so streams share alike.
 */
export function byteThrottle(bytesPerSecond: number | undefined): ByteThrottle {
  let free = 0;
  return async function* (chunks) {
    for await (const chunk of chunks) {
      if (bytesPerSecond !== undefined) {
        // A chunk leaves when its last byte would have: a small file is not free of charge either.
        const now = performance.now();
        free = Math.max(now, free) + (chunk.length / bytesPerSecond) * 1000;
        await sleep(free - now);
      }
      yield chunk;
    }
  };
}
