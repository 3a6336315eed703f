import { FoldDecoder, type FileLengths, type FoldColumns } from '../../shared/nested/fold-codec.js';
import type { Fold } from '../../shared/nested/fold.js';

/** The folds of all files at once; nothing may be left over. */
export function decodeFolds(columns: FoldColumns, files: readonly FileLengths[]): Fold[][] {
  const decoder = new FoldDecoder(columns);
  const folds = files.map((file) => decoder.next(file));
  decoder.expectEnd();
  return folds;
}
