import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { beforeAll, describe, expect, it } from 'vitest';

import { diffDebs } from '../../generator/diff/diff-debs.js';
import { hashFile } from '../../shared/io/hash.js';
import { temporaryFolder } from '../support/cleanup.js';
import { runCli } from '../support/cli.js';
import { fixturePair } from '../support/fixture-pairs.js';
import { hasTool } from '../support/tools.js';

const pair = fixturePair('ghostscript');
let delta: string;

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'debshoal-test-'));
  delta = join(folder, 'made.delta');
  await diffDebs(pair.oldDeb, pair.newDeb, delta);
  return () => rm(folder, { recursive: true });
});

const apply = async (...args: readonly string[]) => {
  const out = join(await temporaryFolder(), 'out.deb');
  return { out, ...(await runCli('client', ['apply', delta, out, '--old', pair.oldDeb, ...args])) };
};

describe('apply', () => {
  it('rebuilds the published .deb unless it is told otherwise', async () => {
    const { out, status, json } = await apply('--json');
    const { size, sha256 } = await hashFile(out);
    expect([status, sha256]).toEqual([0, pair.newSha256]);
    expect(json).toMatchObject({ form: 'exact', newBytes: size });
  });

  it.skipIf(!hasTool('dpkg-deb'))('rebuilds the expanded form (needs dpkg-deb)', async () => {
    const { out, status, stdout } = await apply('--form', 'expanded');
    expect(status).toBe(0);
    expect(stdout).toContain('expanded, verified');
    for (const option of ['--ctrl-tarfile', '--fsys-tarfile']) {
      const [made, published] = [out, pair.newDeb].map((deb) =>
        execFileSync('dpkg-deb', [option, deb]),
      ) as [Buffer, Buffer];
      expect(made.equals(published)).toBe(true);
      // As it is, not compressed.
      expect((await readFile(out)).includes(made)).toBe(true);
    }
  });

  it('knows no other form', async () => {
    const { status, errorCode } = await apply('--form', 'packed', '--json');
    expect([status, errorCode]).toEqual([2, 'usage']);
  });
});

it('--help names every command', async () => {
  const { stdout } = await runCli('client', ['--help']);
  for (const command of ['plan', 'fetch', 'apply']) expect(stdout).toContain(`debshoal ${command}`);
});
