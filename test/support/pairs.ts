import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Two versions of one real package. */
export interface PackagePair {
  readonly name: string;
  readonly old: string;
  readonly new: string;
}

// Runs as TypeScript under vitest, and compiled below dist/.
const ROOT = resolve(import.meta.dirname.replace(/dist\/test\/support$/, 'test/support'), '../..');

/** The pairs that are part of the repository. */
export const FIXTURE_PAIRS = listPairs(join(ROOT, 'fixtures/pairs'));

const CORPUS = resolve(process.env['DEBSHOAL_CORPUS'] ?? join(ROOT, '../shared/corpus'));

/** The larger corpus; empty where it is not installed. */
export const CORPUS_PAIRS = listPairs(join(CORPUS, 'debs'));

/** Why corpus tests are skipped. */
export const NO_CORPUS = `no corpus at ${CORPUS}; DEBSHOAL_CORPUS names its folder`;

function listPairs(folder: string): PackagePair[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .map((name) => ({
      name,
      old: join(folder, name, 'old.deb'),
      new: join(folder, name, 'new.deb'),
    }))
    .filter((pair) => existsSync(pair.old) && existsSync(pair.new))
    .sort((a, b) => statSync(a.new).size - statSync(b.new).size);
}
