import { open } from 'node:fs/promises';

import { DebshoalError } from '../../shared/errors.js';
import { openRegular, writeAtomically } from '../../shared/io/files.js';

const CHUNK_BYTES = 1 << 20;

/**
 * Copies a file that a worker has made to `target`. A copy, whose bytes are verified afterwards: the
 * worker may still hold the file, chose its mode, and may have other names for it. `hash-mismatch`
 * unless it is a regular file of `size` bytes.
 */
export async function takeOut(made: string, target: string, size: number): Promise<void> {
  const source = await openRegular(made).catch((cause: unknown) => {
    throw new DebshoalError('hash-mismatch', 'the worker made no file', { cause });
  });
  try {
    if ((await source.stat()).size !== size) {
      throw new DebshoalError('hash-mismatch', 'the worker made a file of another length');
    }
    await writeAtomically(target, async (path) => {
      const copy = await open(path, 'wx', 0o600);
      try {
        const buffer = Buffer.allocUnsafe(Math.min(size, CHUNK_BYTES));
        for (let at = 0; at < size;) {
          const { bytesRead } = await source.read(
            buffer,
            0,
            Math.min(buffer.length, size - at),
            at,
          );
          if (bytesRead === 0) throw new DebshoalError('hash-mismatch', 'the file became shorter');
          await copy.writeFile(buffer.subarray(0, bytesRead));
          at += bytesRead;
        }
      } finally {
        await copy.close();
      }
    });
  } finally {
    await source.close();
  }
}
