import type { OldPackage } from './old-package.js';

/** What a rebuild spends its time on. Wall-clock seconds; together they are `total`. */
export interface RebuildSeconds {
  readonly total: number;
  /** Reading old files. */
  readonly read: number;
  /** Decoding the delta, checking old files, predicting, packing nested streams again. */
  readonly decode: number;
  /** What waiting for the encoders took beyond the rest, while which they also run; exact form. */
  readonly compress: number;
  /** Reading the finished .deb for its SHA-256. */
  readonly hash: number;
  readonly write: number;
}

type Phase = 'read' | 'tars' | 'members' | 'hash' | 'write';

/** Measures the phases of one rebuild, which has one thing to wait for at a time. */
export class PhaseClock {
  readonly #started = performance.now();
  readonly #milliseconds: Record<Phase, number> = {
    read: 0,
    tars: 0,
    members: 0,
    hash: 0,
    write: 0,
  };

  async during<T>(phase: Phase, work: () => Promise<T>): Promise<T> {
    const started = performance.now();
    try {
      return await work();
    } finally {
      this.#milliseconds[phase] += performance.now() - started;
    }
  }

  /** The same bytes; waiting for them is counted. */
  async *waitingFor(phase: Phase, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const iterator = chunks[Symbol.asyncIterator]();
    for (;;) {
      const next = await this.during(phase, () => iterator.next());
      if (next.done) return;
      yield next.value;
    }
  }

  /** The same package; reading is counted. */
  reading(old: OldPackage): OldPackage {
    return {
      package: old.package,
      architecture: old.architecture,
      version: old.version,
      listedPaths: old.listedPaths,
      size: (file) => old.size(file),
      read: (...of) => this.during('read', () => old.read(...of)),
      linkTarget: (place) => old.linkTarget(place),
      describe: (file) => old.describe(file),
    };
  }

  /** `isCompressed`: an encoder had its part in the time of the members. */
  finish(isCompressed: boolean): RebuildSeconds {
    const { read, tars, members, hash, write } = this.#milliseconds;
    const total = performance.now() - this.#started;
    // Decoding goes on while an encoder is waited for, so that a member can take less than its parts.
    const compress = isCompressed ? Math.max(0, members - tars - write) : 0;
    const decode = Math.max(0, total - read - compress - hash - write);
    return {
      total: total / 1000,
      read: read / 1000,
      decode: decode / 1000,
      compress: compress / 1000,
      hash: hash / 1000,
      write: write / 1000,
    };
  }
}
