import type { StreamDescription } from '../streams/unpack-streams.js';
import { openDelta } from './container.js';
import type { DeltaHeader } from './delta.js';
import { MAX_SPACE, decodeMatches } from './matches.js';
import { splitGroups } from './stream-groups.js';

export interface DeltaDescription {
  readonly header: DeltaHeader;
  /** Of the file. */
  readonly bytes: number;
  /** Where they went, the most expensive first. */
  readonly streams: readonly StreamDescription[];
  /** The same by kind of content: code, unwind tables, headers of tars, … */
  readonly kinds: readonly { readonly name: string; readonly packedBytes: number }[];
  /** How the changed files come about, in unfolded bytes. */
  readonly made: {
    /** Predicted from an old file. */
    readonly matched: number;
    /** Of these, predicted wrongly. */
    readonly corrected: number;
    /** Sent. */
    readonly fresh: number;
  };
}

/** What is in a delta and where its bytes went; fails as `openDelta` does. */
export async function describeDelta(path: string): Promise<DeltaDescription> {
  const { header, size, streams, described } = await openDelta(path);
  const { matches, residuals } = splitGroups(streams);
  const { length: lengths } = decodeMatches(matches, MAX_SPACE, MAX_SPACE);
  const sum = (numbers: Iterable<number>): number => [...numbers].reduce((a, b) => a + b, 0);
  return {
    header,
    bytes: size,
    streams: [...described].sort((a, b) => b.packedBytes - a.packedBytes),
    kinds: groupByKind(described),
    made: {
      matched: lengths.reduce((a, b) => a + b, 0),
      corrected: sum(residuals.map(({ values }) => values.length)),
      fresh: sum(residuals.map(({ extra }) => extra.length)),
    },
  };
}

/** Streams are named by what they are about: `code-values`, `tar-names`. */
function groupByKind(streams: readonly StreamDescription[]): DeltaDescription['kinds'] {
  const kinds = new Map<string, number>();
  for (const { name, packedBytes } of streams) {
    const kind = name.split('-')[0] ?? name;
    kinds.set(kind, (kinds.get(kind) ?? 0) + packedBytes);
  }
  return [...kinds]
    .map(([name, packedBytes]) => ({ name, packedBytes }))
    .sort((a, b) => b.packedBytes - a.packedBytes);
}
