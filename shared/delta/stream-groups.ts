import type { FoldColumns } from '../nested/fold-codec.js';
import type { StreamName } from '../streams/stream-names.js';
import { TAR_STREAMS, type TarStreams } from '../tar-layout/columns.js';
import type { DeltaStreams } from './container.js';
import type { MatchColumns } from './matches.js';
import type { ResidualStreams } from './residuals.js';

/** The streams of a delta as the structures that they belong to. */
export interface StreamGroups {
  /** The bytes around the members; empty when they are as `predictEnvelope` has them. */
  readonly envelope: Buffer;
  readonly fingerprints: Buffer;
  readonly tars: TarStreams;
  readonly segments: Buffer;
  readonly folds: FoldColumns;
  readonly matches: MatchColumns;
  readonly elfPairs: Buffer;
  readonly elfLayouts: Buffer;
  /** By class of content. */
  readonly residuals: readonly ResidualStreams[];
}

/** Names of the classes of content, by number. */
const CLASS_NAMES = ['code', 'unwind', 'table', 'data', 'string', 'plain'] as const;

export function joinGroups(groups: StreamGroups): Map<StreamName, Buffer> {
  const { matches, residuals, tars } = groups;
  const streams: [StreamName, Buffer][] = [
    ['envelope', groups.envelope],
    ['fingerprints', groups.fingerprints],
    ['segments', groups.segments],
    ['match-gaps', matches.gap],
    ['match-lengths', matches.length],
    ['match-steps', matches.step],
    ['elf-pairs', groups.elfPairs],
    ['elf-layouts', groups.elfLayouts],
  ];
  const { folds } = groups;
  streams.push(
    ['fold-counts', folds.counts],
    ['fold-inner-counts', folds.innerCounts],
    ['fold-gaps', folds.gaps],
    ['fold-lengths', folds.lengths],
    ['fold-packed-lengths', folds.packedLengths],
    ['fold-recipes', folds.recipes],
    ['fold-table', folds.table],
  );
  for (const name of TAR_STREAMS) streams.push([`tar-${name}`, Buffer.from(tars[name])]);
  for (const [number, name] of CLASS_NAMES.entries()) {
    const { gaps, values, extra } = residuals[number] ?? NO_RESIDUALS;
    streams.push([`${name}-gaps`, gaps], [`${name}-values`, values], [`${name}-extra`, extra]);
  }
  return new Map(streams.filter(([, bytes]) => bytes.length > 0));
}

export function splitGroups(streams: DeltaStreams): StreamGroups {
  const get = (name: StreamName): Buffer => streams.get(name) ?? Buffer.alloc(0);
  return {
    envelope: get('envelope'),
    fingerprints: get('fingerprints'),
    segments: get('segments'),
    folds: {
      counts: get('fold-counts'),
      innerCounts: get('fold-inner-counts'),
      gaps: get('fold-gaps'),
      lengths: get('fold-lengths'),
      packedLengths: get('fold-packed-lengths'),
      recipes: get('fold-recipes'),
      table: get('fold-table'),
    },
    matches: { gap: get('match-gaps'), length: get('match-lengths'), step: get('match-steps') },
    elfPairs: get('elf-pairs'),
    elfLayouts: get('elf-layouts'),
    tars: splitTars(get),
    residuals: CLASS_NAMES.map((name) => ({
      gaps: get(`${name}-gaps`),
      values: get(`${name}-values`),
      extra: get(`${name}-extra`),
    })),
  };
}

function splitTars(get: (name: StreamName) => Buffer): TarStreams {
  const columns = TAR_STREAMS.map((name) => [name, get(`tar-${name}`)]);
  return Object.fromEntries(columns) as Record<(typeof TAR_STREAMS)[number], Buffer>;
}

const NO_RESIDUALS: ResidualStreams = {
  gaps: Buffer.alloc(0),
  values: Buffer.alloc(0),
  extra: Buffer.alloc(0),
};
