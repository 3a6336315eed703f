import { md5 } from '../io/hash.js';
import type { TarStretch } from '../tar-layout/decode.js';
import type { SummedFile } from '../tar-layout/md5sums.js';

/** Collects what md5sums lists of a tar while its stretches go by. */
export class Summer {
  readonly files: SummedFile[] = [];
  readonly #byPath = new Map<string, string>();

  /** `md5` is asked for files that have content. */
  add(item: TarStretch, md5Of: () => string): void {
    if (item.kind === 'bytes' || item.path === '') return;
    const { path } = item;
    const isLink = item.kind === 'hardlink';
    const md5 = isLink ? this.#byPath.get(item.target) : item.kind === 'empty' ? EMPTY : md5Of();
    if (md5 === undefined) return;
    this.files.push({ path, md5 });
    this.#byPath.set(path, md5);
  }
}

const EMPTY = md5(Buffer.alloc(0));
