import type { StreamDescription } from '../../shared/streams/unpack-streams.js';
import type { Fold } from '../../shared/nested/fold.js';

/**
 * What a client has to do before it has the new tars, in counted things: nothing here depends on
 * the machine or its load, so that an index comes out the same wherever it is made.
 */
export interface DecodingCounts {
  /** Files that are copied, and their bytes. */
  readonly copiedFiles: number;
  readonly copiedBytes: number;
  /** Other files that are made. */
  readonly madeFiles: number;
  /** Unfolded bytes made from matches alone. */
  readonly plainBytes: number;
  /** Bytes of ELF files that are predicted, code apart: it is disassembled. */
  readonly elfBytes: number;
  readonly codeBytes: number;
  /** Bytes of old files that are looked into for packed streams, unfolded. */
  readonly unfoldedBytes: number;
  /** Bytes packed again, by what packs them. */
  readonly gnuGzipBytes: number;
  readonly zlibBytes: number;
  readonly xzBytes: number;
  readonly zstdBytes: number;
  /** Bytes of the delta's streams, expanded, and those of them that the mixing coder expands. */
  readonly streamBytes: number;
  readonly mixedBytes: number;
}

/** Milliseconds that every delta takes. */
const BASE_MS = 20;

/**
 * Nanoseconds for one of each on the reference machine of the index's FORMAT.md, as `debshoal-bench
 * predict` fits them to the corpus. That has no nested .xz or .zst and nothing of the mixing coder;
 * theirs are the speeds of the coders alone.
 */
const NANOSECONDS: Readonly<Record<keyof DecodingCounts, number>> = {
  copiedFiles: 140_000,
  copiedBytes: 2,
  madeFiles: 220_000,
  plainBytes: 3,
  elfBytes: 32,
  codeBytes: 16,
  unfoldedBytes: 5,
  gnuGzipBytes: 66,
  zlibBytes: 50,
  xzBytes: 400,
  zstdBytes: 300,
  streamBytes: 61,
  mixedBytes: 2000,
};

/** Milliseconds, at least one, that a machine like the one of the fit takes to make the tars. */
export function estimateDecoding(counts: DecodingCounts): number {
  const nanoseconds = Object.entries(counts).reduce(
    (sum, [name, count]: [string, number]) =>
      sum + count * NANOSECONDS[name as keyof DecodingCounts],
    0,
  );
  return Math.max(1, Math.round(BASE_MS + nanoseconds / 1e6));
}

type PackedBytes = Pick<DecodingCounts, 'gnuGzipBytes' | 'zlibBytes' | 'xzBytes' | 'zstdBytes'>;

/** Sums what folds pack, inner ones too. */
export function countPacked(folds: readonly Fold[]): PackedBytes {
  const sums = { gnuGzipBytes: 0, zlibBytes: 0, xzBytes: 0, zstdBytes: 0 };
  const visit = (fold: Fold): void => {
    sums[packerOf(fold)] += fold.length;
    fold.inner.forEach(visit);
  };
  folds.forEach(visit);
  return sums;
}

function packerOf({ recipe }: Fold): keyof PackedBytes {
  switch (recipe.kind) {
    case 'xz':
      return 'xzBytes';
    case 'zstd':
      return 'zstdBytes';
    default:
      return recipe.encoder.by === 'gnu' ? 'gnuGzipBytes' : 'zlibBytes';
  }
}

/** Bytes of a delta's streams: all, and those of the mixing coder. */
export function countStreams(
  streams: readonly StreamDescription[],
): Pick<DecodingCounts, 'streamBytes' | 'mixedBytes'> {
  const sum = (some: readonly StreamDescription[]): number =>
    some.reduce((total, { expandedBytes }) => total + expandedBytes, 0);
  return {
    streamBytes: sum(streams),
    mixedBytes: sum(streams.filter(({ coder }) => coder === 'mixed')),
  };
}
