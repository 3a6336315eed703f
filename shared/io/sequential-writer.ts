import type { FileHandle } from 'node:fs/promises';

import { writeExactly } from './write-exactly.js';

/** Large enough that headers and small files do not each cost a call into the kernel. */
const BUFFER_BYTES = 256 * 1024;

/** Writes a stretch of a file in order. Small chunks are collected in one buffer, used again. */
export class SequentialWriter {
  readonly #file: FileHandle;
  readonly #buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  #waiting = 0;
  /** Where the waiting bytes go. */
  #at: number;

  constructor(file: FileHandle, at: number) {
    this.#file = file;
    this.#at = at;
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (this.#waiting + chunk.length > BUFFER_BYTES) await this.flush();
    if (chunk.length > BUFFER_BYTES) {
      await this.#put(chunk);
      return;
    }
    this.#buffer.set(chunk, this.#waiting);
    this.#waiting += chunk.length;
  }

  /** Nothing waits any more. */
  async flush(): Promise<void> {
    const waiting = this.#buffer.subarray(0, this.#waiting);
    this.#waiting = 0;
    await this.#put(waiting);
  }

  async #put(bytes: Uint8Array): Promise<void> {
    await writeExactly(this.#file, bytes, this.#at);
    this.#at += bytes.length;
  }
}
