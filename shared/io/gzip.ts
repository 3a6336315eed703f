import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';

import { DebshoalError } from '../errors.js';

const gunzipAsync = promisify(gunzip);

/**
 * Expands a .gz of at most `maxBytes` expanded bytes. Fails with `limit-exceeded` for more (a
 * bomb), and with `archive-malformed` when it is damaged or cut off.
 */
export async function decompressGzip(bytes: Uint8Array, maxBytes: number): Promise<Buffer> {
  try {
    // zlib takes no limit of zero; one byte more is caught below.
    const expanded = await gunzipAsync(bytes, { maxOutputLength: Math.max(1, maxBytes) });
    if (expanded.length <= maxBytes) return expanded;
  } catch (cause) {
    if (!(cause instanceof RangeError)) {
      throw new DebshoalError('archive-malformed', 'not a whole, undamaged .gz', { cause });
    }
  }
  throw new DebshoalError('limit-exceeded', `a .gz expands to over ${maxBytes} bytes`);
}
