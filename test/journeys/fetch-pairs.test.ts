import { execFileSync } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { temporaryFolder } from '../support/cleanup.js';
import { runCli } from '../support/cli.js';
import { needs } from '../support/needs.js';

const describeHere = await needs('apt-get', 'network');

/** Small, and in every release. */
const PACKAGE = 'hostname';

/** A version that the mirror has, and the name of the release that it is in. */
async function findPublished(): Promise<{ version: string; suite: string }> {
  const release = await readFile('/etc/os-release', 'utf8');
  const suite = /^VERSION_CODENAME=(\w+)$/m.exec(release)?.[1];
  const known = execFileSync('apt-cache', ['madison', PACKAGE], { encoding: 'utf8' });
  const line = known.split('\n').find((row) => row.includes(`${suite ?? ''}/main`));
  const version = line?.split('|')[1]?.trim();
  if (suite === undefined || version === undefined) throw new Error(`no ${PACKAGE} in ${known}`);
  return { version, suite };
}

describeHere('debshoal-bench fetch-pairs', () => {
  it('fetches what the archive has and names what is gone', async () => {
    const folder = await temporaryFolder();
    const { version, suite } = await findPublished();
    const lines = [
      ['name', 'package', 'arch', 'version_old', 'version_new', 'suite_old', 'suite_new'],
      ['there', PACKAGE, 'amd64', version, version, suite, suite],
      ['gone', PACKAGE, 'amd64', '0.1-1', version, suite, suite],
    ];
    const table = join(folder, 'pairs.tsv');
    await writeFile(table, lines.map((line) => `${line.join('\t')}\n`).join(''));
    const out = join(folder, 'pairs');
    const args = ['fetch-pairs', '--pairs', table, '--out', out, '--json'];
    const first = await runCli('bench', args);
    expect([first.status, first.json]).toEqual([
      0,
      { fetched: ['there'], present: [], gone: [{ name: 'gone', missing: `${PACKAGE} 0.1-1` }] },
    ]);
    expect(await readdir(out, { recursive: true })).toEqual(
      ['there', 'there/new.deb', 'there/old.deb'], // prettier-ignore
    );
    expect((await runCli('bench', args)).json).toMatchObject({ fetched: [], present: ['there'] });
  });
});
