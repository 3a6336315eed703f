import { DebshoalError } from '../errors.js';
import { md5 } from '../io/hash.js';
import { foldMany } from '../nested/fold-many.js';
import type { FoldDecoder } from '../nested/fold-codec.js';
import { unfoldedLength, type Fold } from '../nested/fold.js';
import type { PackMany } from '../nested/pack.js';
import { LIMITS } from '../limits.js';
import type { TarLayoutDecoder, TarStretch } from '../tar-layout/decode.js';
import type { OldTree } from '../tar-layout/old-tree.js';
import type { MemberPart } from './delta.js';
import type { NewSpace } from './new-space.js';
import type { CheckedOldPackage } from './old-package.js';
import { expectedLength } from './space-table.js';
import type { Summer } from './summer.js';

/** What the tars of the new package are made from. */
export interface TarIngredients {
  readonly old: CheckedOldPackage;
  readonly trees: Readonly<Record<MemberPart['name'], OldTree>>;
  readonly layout: TarLayoutDecoder;
  readonly newSpace: NewSpace;
  readonly folds: FoldDecoder;
  /** Lengths of the unfolded old files, by `sourceKey`. */
  readonly unfoldedOld: ReadonlyMap<string, number>;
  /** Packs nested streams. */
  readonly pack: PackMany;
}

/**
 * Yields one tar, in order. Memory: one file and one batch of folds at a time. `summer` gets
 * everything for the md5sums that the control member is predicted from.
 */
export async function* makeTar(
  part: MemberPart,
  ingredients: TarIngredients,
  summer: Summer | null,
): AsyncGenerator<Buffer> {
  let batch: Made[] = [];
  let batchBytes = 0;
  let length = 0;
  const emit = function* (made: readonly Made[]): Generator<Buffer> {
    for (const { item, content, md5: known } of made) {
      summer?.add(item, () => known ?? md5(content));
      length += content.length;
      if (length > part.length) throw damaged('a tar grows beyond its length');
      yield content;
    }
  };
  for await (const made of makeStretches(part, ingredients)) {
    if (batch.length === 0 && made.folds.length === 0) {
      yield* emit([made]);
      continue;
    }
    batch.push(made);
    batchBytes += made.content.length;
    if (batchBytes >= MAX_BATCH_BYTES || batch.length >= MAX_BATCH_FILES) {
      yield* emit(await foldBatch(batch, ingredients));
      batch = [];
      batchBytes = 0;
    }
  }
  yield* emit(await foldBatch(batch, ingredients));
  if (length !== part.length) throw damaged('a tar ends before its length');
}

/** A stretch of the tar before its nested streams are packed again. */
interface Made {
  readonly item: TarStretch;
  readonly content: Buffer;
  readonly folds: readonly Fold[];
  /** When it is known without another look at the content. */
  readonly md5?: string | null;
}

/** The modules of a kernel are packed by xz, several at once. */
const MAX_BATCH_BYTES = 8 * 2 ** 20;
const MAX_BATCH_FILES = 512;

const NOTHING = { content: Buffer.alloc(0), folds: [] } as const;

async function foldBatch(batch: readonly Made[], { pack }: TarIngredients): Promise<Made[]> {
  const packed = await foldMany(batch, pack);
  return batch.map((made, i) => ({ ...made, content: packed[i] ?? made.content, folds: [] }));
}

async function* makeStretches(
  { name, length: bytes }: MemberPart,
  { old, trees, layout, newSpace, folds, unfoldedOld }: TarIngredients,
): AsyncGenerator<Made> {
  const limits = {
    bytes,
    entries: LIMITS.deltaSources,
    newNameBytes: LIMITS.dpkgListBytes,
  };
  for (const item of layout.tar(trees[name], limits)) {
    if (item.kind === 'bytes') yield { item, content: item.bytes, folds: [] };
    else if (item.kind === 'empty' || item.kind === 'hardlink') yield { item, ...NOTHING };
    else if (item.kind === 'copy') {
      const content = await old.read({ member: name, place: item.place });
      if (content.length !== item.size) throw damaged('a copy of another length');
      yield { item, content, folds: [], md5: name === 'data' ? old.md5Of(item.place) : null };
    } else {
      const expected = expectedLength(unfoldedOld, name, item.place);
      const foldsOfFile = folds.next({ packedLength: item.size, ...expected });
      const length = unfoldedLength(item.size, foldsOfFile);
      if (Math.max(item.size, length) > LIMITS.madeFileBytes) {
        throw new DebshoalError('limit-exceeded', `a file of ${length} bytes`);
      }
      const content = await newSpace.next(length);
      yield { item, content, folds: foldsOfFile };
    }
  }
}

function damaged(what: string): DebshoalError {
  return new DebshoalError('delta-damaged', what);
}
