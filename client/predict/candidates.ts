import type { DebForm } from '../../shared/deb/deb-forms.js';
import type { IndexedDelta, IndexedPackage, Work } from '../../shared/index/deltas-index.js';
import { rebuildSeconds, type Speeds } from '../store/speeds.js';
import type { Job } from './schedule.js';

/** A way in which a package could come, with what it takes when it has the machine for itself. */
export interface Candidate {
  readonly way: 'full' | DebForm;
  /** To download. */
  readonly bytes: number;
  /** Of rebuilding. */
  readonly memoryMiB: number;
  readonly downloadSeconds: number;
  readonly rebuildSeconds: number;
  /** What rebuilding was predicted from: of the delta, but for what runs in parallel. */
  readonly work: Work;
}

const NO_WORK: Work = { decode: 0, compress: 0 };

export function fullCandidate(bytes: number, speeds: Speeds): Candidate {
  const downloadSeconds = bytes / speeds.link;
  return { way: 'full', bytes, memoryMiB: 0, downloadSeconds, rebuildSeconds: 0, work: NO_WORK };
}

/** A delta with `threads` for its encoder. */
export function deltaCandidate(
  form: DebForm,
  entry: IndexedPackage,
  delta: IndexedDelta,
  speeds: Speeds,
  threads: number,
): Candidate {
  const { size: bytes } = delta;
  const spared = form === 'expanded' ? (entry.encoderMiB ?? 0) : 0;
  const work = inParallel(delta.work, entry, threads);
  return {
    way: form,
    bytes,
    memoryMiB: delta.memoryMiB - spared,
    downloadSeconds: bytes / speeds.link,
    rebuildSeconds: rebuildSeconds(speeds, work, form),
    work,
  };
}

/** Threads of xz work at blocks of this size, whole ones: three dictionaries of `xz -6`. */
const XZ_BLOCK = 24 * 2 ** 20;

function inParallel(
  { decode, compress }: Work,
  { expanded }: IndexedPackage,
  threads: number,
): Work {
  const blocks = Math.ceil((expanded?.size ?? 0) / XZ_BLOCK);
  return { decode, compress: compress / Math.max(1, Math.min(threads, blocks)) };
}

/** Seconds until the .deb is there, when nothing else goes on. */
export function totalSeconds(candidate: Candidate): number {
  return candidate.downloadSeconds + candidate.rebuildSeconds;
}

export function jobOf(candidate: Candidate, isLeft: boolean): Job {
  return { download: candidate.downloadSeconds, rebuild: candidate.rebuildSeconds, isLeft };
}
