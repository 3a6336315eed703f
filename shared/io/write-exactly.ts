import type { FileHandle } from 'node:fs/promises';

/** Writes all of `bytes` at `offset`; a single write may be cut short by a signal. */
export async function writeExactly(
  file: FileHandle,
  bytes: Uint8Array,
  offset: number,
): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, offset + done);
    done += bytesWritten;
  }
}
