import {
  mkdir,
  readdir,
  readFile,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { openReadyStore, type ReadyStore } from '../../../client/service/ready-store.js';
import { sha256 } from '../../../shared/io/hash.js';
import { temporaryFolder } from '../../support/cleanup.js';

interface Deb {
  readonly content: Buffer;
  readonly sha256: string;
  readonly size: number;
}

const deb = (text: string, size = 1000): Deb => {
  const content = Buffer.alloc(size, text);
  return { content, sha256: sha256(content), size };
};

const add = async (store: ReadyStore, folder: string, one: Deb): Promise<void> => {
  const path = join(folder, 'finished');
  await writeFile(path, one.content);
  await store.add(one, path);
};

const read = async (store: ReadyStore, one: Deb): Promise<Buffer | null> => {
  const file = await store.open(one);
  if (file === null) return null;
  try {
    return await file.readFile();
  } finally {
    await file.close();
  }
};

describe('the store of finished .debs', () => {
  const [a, b, c] = [deb('a'), deb('b'), deb('c')];

  test('gives back what was added, also after it was opened anew', async () => {
    const base = await temporaryFolder();
    const folder = join(base, 'ready');
    await add(await openReadyStore(folder, 5000), base, a);
    const store = await openReadyStore(folder, 5000);
    expect({ bytes: store.bytes, count: store.count }).toEqual({ bytes: 1000, count: 1 });
    expect([store.has(a), store.has(b), store.has({ ...a, size: 999 })]).toEqual([
      true,
      false,
      false,
    ]);
    expect(await readdir(base)).toEqual(['ready']);
    expect(await read(store, a)).toEqual(a.content);
    expect(await read(store, b)).toBe(null);
  });

  test('what was changed on the disk is never given, and is removed', async () => {
    const base = await temporaryFolder();
    const folder = join(base, 'ready');
    const path = join(folder, `${a.sha256}.deb`);
    const damages = [
      () => writeFile(path, b.content),
      () => truncate(path, 999),
      () => writeFile(path, Buffer.concat([a.content, a.content])),
      async () => {
        await writeFile(join(base, 'elsewhere'), a.content);
        await rm(path);
        await symlink(join(base, 'elsewhere'), path);
      },
    ];
    for (const damage of damages) {
      const store = await openReadyStore(folder, 5000);
      await add(store, base, a);
      await damage();
      expect(await store.open(a)).toBe(null);
      expect([store.has(a), store.bytes]).toEqual([false, 0]);
      expect(await readdir(folder)).toEqual([]);
    }
  });

  test('strange things in its folder go when it is opened', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, `${a.sha256}.deb`));
    await writeFile(join(folder, '.debshoal-unfinished'), 'x');
    await writeFile(join(folder, `${'A'.repeat(64)}.deb`), 'x');
    await symlink('/etc/passwd', join(folder, `${b.sha256}.deb`));
    const store = await openReadyStore(folder, 5000);
    expect([store.count, await readdir(folder)]).toEqual([0, []]);
    expect((await readFile('/etc/passwd')).length).toBeGreaterThan(0);
  });

  test('keeps within its bounds: first goes what nobody will ask for, then the oldest', async () => {
    const base = await temporaryFolder();
    const folder = join(base, 'ready');
    const first = await openReadyStore(folder, 5000);
    for (const [i, one] of [a, b, c].entries()) {
      await add(first, base, one);
      await utimes(join(folder, `${one.sha256}.deb`), 1000 + i, 1000 + i);
    }
    const store = await openReadyStore(folder, 3000);
    store.setPending(new Set([a.sha256, c.sha256]));
    await add(store, base, deb('d'));
    expect([a, b, c].map((one) => store.has(one))).toEqual([true, false, true]);
    store.setPending(new Set([a.sha256, c.sha256, deb('d').sha256]));
    await add(store, base, deb('e'));
    expect([a, c, deb('d'), deb('e')].map((one) => store.has(one))).toEqual([
      false,
      true,
      true,
      true,
    ]);
    expect(store.bytes).toBe(3000);
    const smaller = await openReadyStore(folder, 1500);
    expect([smaller.bytes, (await readdir(folder)).length]).toEqual([1000, 1]);
  });

  test('the same again is one file', async () => {
    const base = await temporaryFolder();
    const store = await openReadyStore(join(base, 'ready'), 5000);
    await add(store, base, a);
    await add(store, base, a);
    expect([store.bytes, store.count]).toEqual([1000, 1]);
    expect(await read(store, a)).toEqual(a.content);
  });

  test('makes room on a full disk: what is pending stays if anything else can go', async () => {
    const base = await temporaryFolder();
    const store = await openReadyStore(join(base, 'ready'), 5000);
    for (const one of [a, b]) await add(store, base, one);
    store.setPending(new Set([a.sha256]));
    await store.makeRoom();
    expect([store.has(a), store.has(b)]).toEqual([true, false]);
    await store.makeRoom();
    expect([store.has(a), store.bytes]).toEqual([false, 0]);
  });
});
