import { open, type FileHandle } from 'node:fs/promises';

import { readExactlySync } from '../io/files.js';
import { writeExactly } from '../io/write-exactly.js';

/** A temporary file for what is too much for memory, opened when something comes. */
export class SpillFile {
  readonly #path: string;
  #file: FileHandle | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  async write(content: Uint8Array, at: number): Promise<void> {
    this.#file ??= await open(this.#path, 'wx+');
    await writeExactly(this.#file, content, at);
  }

  /** What was written there, in `buffer`; at once, for it is mostly in the page cache. */
  read(at: number, length: number, buffer: Buffer = Buffer.allocUnsafe(length)): Buffer {
    if (this.#file === null) throw new Error('nothing was written yet');
    return readExactlySync(this.#file.fd, at, length, buffer);
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }
}
