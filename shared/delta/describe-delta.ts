import { openDelta } from './container.js';
import type { DeltaHeader } from './delta.js';

export interface DeltaDescription {
  readonly header: DeltaHeader;
  readonly bytes: {
    readonly total: number;
    readonly header: number;
    readonly literals: number;
    readonly patches: number;
  };
  /** One row for each way of making content, the most expensive first. `operations` counts. */
  readonly methods: readonly {
    readonly name: string;
    readonly operations: number;
    readonly contentBytes: number;
    readonly deltaBytes: number;
  }[];
}

/** What is in a delta and where its bytes went; fails as `openDelta` does. */
export async function describeDelta(path: string): Promise<DeltaDescription> {
  const { header, size, literals, patches, file } = await openDelta(path);
  await file.close();
  const methods = new Map<string, DeltaDescription['methods'][number]>();
  for (const operation of header.operations) {
    const dictionary = operation.method === 'zstd' && operation.source !== null ? '+old' : '';
    const isLiteral = operation.method === 'literal';
    const inGzip = operation.gzip && !isLiteral ? ' in .gz' : '';
    const name = isLiteral
      ? 'literal stream (headers, small files)'
      : `${operation.method}${dictionary}${inGzip}`;
    // All literals are compressed together.
    const deltaBytes = isLiteral ? literals.packed : 0;
    const row = methods.get(name) ?? { name, operations: 0, contentBytes: 0, deltaBytes };
    methods.set(name, {
      name,
      operations: row.operations + 1,
      contentBytes: row.contentBytes + operation.contentLength,
      deltaBytes: row.deltaBytes + operation.patchLength,
    });
  }
  return {
    header,
    bytes: {
      total: size,
      header: size - literals.packed - patches.length,
      literals: literals.packed,
      patches: patches.length,
    },
    methods: [...methods.values()].sort((a, b) => b.deltaBytes - a.deltaBytes),
  };
}
