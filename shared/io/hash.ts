import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

/** SHA-256 as 64 lower-case hex digits. */
export type Sha256 = string;

export const SHA256_PATTERN = /^[0-9a-f]{64}$/;

/** SHA-256 of bytes in memory. */
export function sha256(bytes: Uint8Array): Sha256 {
  return createHash('sha256').update(bytes).digest('hex');
}

/** MD5 as 32 lower-case hex digits: what dpkg knows installed files by, never a proof of anything. */
export function md5(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex');
}

const READ_BYTES = 1 << 18;

/**
 * SHA-256 and size of a file, read in one pass into one buffer: those of a stream would be 30 MB
 * before the garbage collector looks for them.
 */
export async function hashFile(
  path: string,
  signal?: AbortSignal,
): Promise<{ sha256: Sha256; size: number }> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  const file = await open(path, 'r');
  try {
    for (let size = 0; ;) {
      signal?.throwIfAborted();
      const { bytesRead } = await file.read(buffer, 0, buffer.length, size);
      if (bytesRead === 0) return { sha256: hash.digest('hex'), size };
      hash.update(buffer.subarray(0, bytesRead));
      size += bytesRead;
    }
  } finally {
    await file.close();
  }
}

/** SHA-256 and size of what is left in a stream. */
export async function hashStream(
  stream: AsyncIterable<unknown>,
): Promise<{ sha256: Sha256; size: number }> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of stream) {
    const bytes = chunk as Buffer;
    hash.update(bytes);
    size += bytes.length;
  }
  return { sha256: hash.digest('hex'), size };
}
