import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it, vi } from 'vitest';

import { provenEncoders } from '../../../client/store/encoder-proof.js';
import * as encoders from '../../../shared/deb/prove-encoders.js';
import { temporaryFolder } from '../../support/cleanup.js';

const NAME = 'encoders.json';

describe('the proof of the encoders', () => {
  it('is made once, and again when an encoder is another file', async () => {
    const prove = vi.spyOn(encoders, 'proveEncoders');
    const folder = await temporaryFolder();
    const first = await provenEncoders(folder, 'read-write');
    expect(first.failed).toEqual([]);
    expect(await provenEncoders(folder, 'read-write')).toEqual(first);
    expect(prove).toHaveBeenCalledTimes(1);

    const path = join(folder, NAME);
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace(process.version, 'v0.0.0'));
    expect((await provenEncoders(folder, 'read-write')).failed).toEqual([]);
    expect(prove).toHaveBeenCalledTimes(2);
    prove.mockRestore();
  });

  it('is not written by who only looks', async () => {
    const folder = await temporaryFolder();
    expect((await provenEncoders(folder, 'read-only')).failed).toEqual([]);
    expect(await readdir(folder)).toEqual([]);
  });

  it.each(['', '[]', '{"encoders": 1}'])('is made anew for a damaged file: %j', async (text) => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, NAME), text);
    expect((await provenEncoders(folder, 'read-only')).failed).toEqual([]);
  });

  it('of encoders that write other bytes is not remembered', async () => {
    const prove = vi
      .spyOn(encoders, 'proveEncoders')
      .mockResolvedValue({ failed: ['zstd -19'], xzBytesPerSecond: 1 });
    const folder = await temporaryFolder();
    expect((await provenEncoders(folder, 'read-write')).failed).toEqual(['zstd -19']);
    expect(await readdir(folder)).toEqual([]);
    prove.mockRestore();
  });
});
