import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, mkdir, open, readdir, rename, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

import type { FileIdentity } from '../../shared/delta/delta.js';

/** Finished .debs by their SHA-256, waiting for apt to ask. */
export interface ReadyStore {
  /** Bytes of all. */
  readonly bytes: number;
  readonly count: number;
  /** SHA-256s of all. */
  readonly names: readonly string[];
  has(deb: FileIdentity): boolean;
  /**
   * Opens a .deb of which every byte was hashed just now, through the descriptor that is returned;
   * null when there is none, and one that has changed on the disk is removed.
   */
  open(deb: FileIdentity): Promise<FileHandle | null>;
  /** Takes over the file at `path`, whose content was verified, and makes room for it. */
  add(deb: FileIdentity, path: string): Promise<void>;
  /** Says which ones apt may still ask for: the others go first when room is needed. */
  setPending(sha256s: ReadonlySet<string>): void;
  /** Removes what apt will hardly ask for, or if there is nothing such, all: the disk is full. */
  makeRoom(): Promise<void>;
}

interface Kept {
  readonly size: number;
  usedAt: number;
}

const NAME = /^([0-9a-f]{64})\.deb$/;
const READ_BYTES = 1 << 18;

/** Opens the store in `folder`, of at most `maxBytes`; whatever else is in the folder goes. */
export async function openReadyStore(folder: string, maxBytes: number): Promise<ReadyStore> {
  await mkdir(folder, { recursive: true });
  const kept = await findKept(folder);
  let pending: ReadonlySet<string> = new Set();
  let total = [...kept.values()].reduce((sum, { size }) => sum + size, 0);
  const pathOf = (sha256: string): string => join(folder, `${sha256}.deb`);

  const remove = async (sha256: string): Promise<void> => {
    total -= kept.get(sha256)?.size ?? 0;
    kept.delete(sha256);
    await rm(pathOf(sha256), { recursive: true, force: true });
  };
  /** Oldest first, and before them those that nobody will ask for. */
  const leastWanted = (): string[] =>
    [...kept]
      .sort(
        ([a, one], [b, other]) =>
          Number(pending.has(a)) - Number(pending.has(b)) || one.usedAt - other.usedAt,
      )
      .map(([sha256]) => sha256);
  const shrinkTo = async (bytes: number): Promise<void> => {
    for (const sha256 of leastWanted()) {
      if (total <= bytes) return;
      await remove(sha256);
    }
  };
  await shrinkTo(maxBytes);

  return {
    get bytes() {
      return total;
    },
    get count() {
      return kept.size;
    },
    get names() {
      return [...kept.keys()];
    },
    has: ({ sha256, size }) => kept.get(sha256)?.size === size,
    async open({ sha256, size }) {
      const found = kept.get(sha256);
      if (found?.size !== size) return null;
      const file = await openIntact(pathOf(sha256), sha256, size);
      if (file === null) await remove(sha256);
      else found.usedAt = Date.now();
      return file;
    },
    async add({ sha256, size }, path) {
      await shrinkTo(Math.max(0, maxBytes - size));
      await rename(path, pathOf(sha256));
      total += size - (kept.get(sha256)?.size ?? 0);
      kept.set(sha256, { size, usedAt: Date.now() });
    },
    setPending(sha256s) {
      pending = sha256s;
    },
    async makeRoom() {
      const unwanted = [...kept.keys()].filter((sha256) => !pending.has(sha256));
      for (const sha256 of unwanted.length > 0 ? unwanted : [...kept.keys()]) await remove(sha256);
    },
  };
}

async function findKept(folder: string): Promise<Map<string, Kept>> {
  const kept = new Map<string, Kept>();
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const [, sha256] = NAME.exec(name) ?? [];
    const found = await lstat(path);
    if (sha256 === undefined || !found.isFile()) {
      await rm(path, { recursive: true, force: true });
    } else kept.set(sha256, { size: found.size, usedAt: found.mtimeMs });
  }
  return kept;
}

/** Hashes through the descriptor that is then read from, so that nothing can be swapped between. */
async function openIntact(path: string, sha256: string, size: number): Promise<FileHandle | null> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(path, flags).catch(() => null);
  if (file === null) return null;
  try {
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    let length = 0;
    while (length <= size) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, length);
      if (bytesRead === 0) break;
      hash.update(buffer.subarray(0, bytesRead));
      length += bytesRead;
    }
    if (length === size && hash.digest('hex') === sha256) return file;
  } catch {
    // A bad sector is no better than bad content.
  }
  await file.close();
  return null;
}
