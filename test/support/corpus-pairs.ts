import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Two versions of one real package; absolute paths. */
interface CorpusPair {
  readonly name: string;
  readonly oldDeb: string;
  readonly newDeb: string;
}

const BESIDE = fileURLToPath(new URL('../../../shared/corpus', import.meta.url));
const CORPUS = resolve(process.env['DEBSHOAL_CORPUS'] ?? BESIDE);

/** The larger corpus, in the order of its names; empty where it is not installed. */
export const CORPUS_PAIRS = listPairs(join(CORPUS, 'debs'));

/** Why corpus tests are skipped. */
export const NO_CORPUS = `no corpus at ${CORPUS}; DEBSHOAL_CORPUS names its folder`;

function listPairs(folder: string): CorpusPair[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .map((name) => ({
      name,
      oldDeb: join(folder, name, 'old.deb'),
      newDeb: join(folder, name, 'new.deb'),
    }))
    .filter((pair) => existsSync(pair.oldDeb) && existsSync(pair.newDeb));
}
