/** ar-async 0.1.4 ships no types. It throws out of its own callbacks on malformed input. */
declare module 'ar-async' {
  import type { Readable } from 'node:stream';

  interface ArEntry {
    fileName(): string;
    fileSize(): number;
    fileData(): Readable;
  }

  export class ArReader {
    constructor(path: string);
    on(event: 'entry', listener: (entry: ArEntry, next: () => void) => void): this;
    on(event: 'error', listener: (error: Error) => void): this;
    on(event: 'end' | 'close', listener: () => void): this;
  }
}
