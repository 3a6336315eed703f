import type { IncomingMessage } from 'node:http';

/** Bytes a second below which a server only pretends to deliver; the slowest modem has more. */
const FLOOR = 1024;

/** The cause of a failure: the body dripped. */
export class TooSlowError extends Error {
  readonly bytesPerSecond: number;

  constructor(bytes: number, milliseconds: number) {
    super(`only ${bytes} bytes came in ${Math.round(milliseconds / 1000)} s`);
    this.bytesPerSecond = (bytes / milliseconds) * 1000;
  }
}

/**
 * The bytes of a response, as long as they come at a rate worth waiting for: `TooSlowError` when
 * less than 1 KiB a second came for `stall` milliseconds. Only what is waited for them counts, not
 * what the reader does between. Silence is the socket's business.
 */
export async function* steadyBody(
  response: IncomingMessage,
  stall: number,
): AsyncGenerator<Buffer> {
  let bytes = 0;
  let waited = 0;
  let from = performance.now();
  for await (const chunk of response as AsyncIterable<Buffer>) {
    waited += performance.now() - from;
    bytes += chunk.length;
    if (waited >= stall) {
      if ((bytes / waited) * 1000 < FLOOR) throw new TooSlowError(bytes, waited);
      bytes = 0;
      waited = 0;
    }
    yield chunk;
    from = performance.now();
  }
}
