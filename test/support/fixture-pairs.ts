import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** One of the real upgrades in fixtures/. */
export interface FixturePair {
  readonly name: string;
  readonly package: string;
  readonly architecture: string;
  readonly oldVersion: string;
  readonly newVersion: string;
  readonly oldSha256: string;
  readonly newSha256: string;
  /** Bytes. */
  readonly oldSize: number;
  readonly newSize: number;
  /** Absolute paths. */
  readonly oldDeb: string;
  readonly newDeb: string;
}

// Runs as TypeScript under vitest, and compiled below dist/.
const ROOT = import.meta.url.replace(/\/(dist\/)?test\/support\/[^/]*$/, '/');
const FOLDER = fileURLToPath(new URL('fixtures/', ROOT));

/** All of fixtures/pairs.tsv. */
export const FIXTURE_PAIRS: readonly FixturePair[] = readFileSync(`${FOLDER}pairs.tsv`, 'utf8')
  .trim()
  .split('\n')
  .slice(1)
  .map((line) => {
    const columns = line.split('\t');
    const column = (index: number): string => columns[index] ?? '';
    const name = column(0);
    return {
      name,
      package: column(1),
      architecture: column(2),
      oldVersion: column(3),
      newVersion: column(4),
      oldSize: Number(column(7)),
      newSize: Number(column(8)),
      oldSha256: column(9),
      newSha256: column(10),
      oldDeb: `${FOLDER}pairs/${name}/old.deb`,
      newDeb: `${FOLDER}pairs/${name}/new.deb`,
    };
  });

/** The pair of that name; a plain Error when fixtures/ has none. */
export function fixturePair(name: string): FixturePair {
  const pair = FIXTURE_PAIRS.find((candidate) => candidate.name === name);
  if (pair === undefined) throw new Error(`no fixture pair ${name}`);
  return pair;
}

/** What apt's cache calls the new .deb of a pair. */
export function cacheName(pair: FixturePair): string {
  return `${pair.package}_${pair.newVersion.replaceAll(':', '%3a')}_${pair.architecture}.deb`;
}
