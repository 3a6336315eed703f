import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { parseStanza } from '../../../shared/deb/deb822.js';
import { normaliseControl } from '../../../shared/deb/normal-control.js';
import { temporaryFolder } from '../../support/cleanup.js';
import { FIXTURE_PAIRS } from '../../support/fixture-pairs.js';
import { hasTool } from '../../support/tools.js';

function normalise(text: string): string {
  const options = { code: 'deb-malformed', maxStanzaBytes: 1 << 20 } as const;
  return normaliseControl(parseStanza(text, options)).toString();
}

/** The stanza that dpkg makes of a package, in its `available` file: the same writer as status. */
async function recordedByDpkg(deb: string): Promise<string> {
  const admin = await temporaryFolder();
  for (const folder of ['info', 'updates', 'triggers']) await mkdir(join(admin, folder));
  for (const file of ['status', 'available']) await writeFile(join(admin, file), '');
  const options = [`--admindir=${admin}`, '--force-not-root', '--record-avail', deb];
  execFileSync('dpkg', options, { stdio: 'pipe' });
  const text = await readFile(join(admin, 'available'), 'utf8');
  return text.replace(/^(?:Filename|Size|MD5sum):.*\n/gm, '');
}

function controlOf(deb: string): string {
  return execFileSync('dpkg-deb', ['--field', deb]).toString();
}

const ODD = `package: odd
Version: 0:1.0-1
Architecture: all
MAINTAINER: x <x@example.org>
Priority: Optional
Essential: no
Multi-Arch: no
Installed-Size: 12
Custom-Field: value  with   blanks
Depends: a(>=1), b (<< 0:2),c|d ( = 1.0 ) ,  e:any,
 f (>= 1:0)
Provides: g (= 1)
Description: odd
 more text
 .
 end
Section: misc
`;

describe.skipIf(!hasTool('dpkg'))('the normal form of control data (needs dpkg)', () => {
  it.each(FIXTURE_PAIRS)('is the same for what dpkg keeps: $name', async ({ oldDeb, newDeb }) => {
    for (const deb of [oldDeb, newDeb]) {
      expect(normalise(await recordedByDpkg(deb))).toBe(normalise(controlOf(deb)));
    }
  });

  it('is the same for odd spellings', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'odd', 'DEBIAN'), { recursive: true });
    await writeFile(join(folder, 'odd', 'DEBIAN', 'control'), ODD);
    const deb = join(folder, 'odd.deb');
    execFileSync('dpkg-deb', ['--build', join(folder, 'odd'), deb], { stdio: 'pipe' });
    expect(normalise(await recordedByDpkg(deb))).toBe(normalise(ODD));
  });
});

describe('the normal form of control data', () => {
  it('has the usual order, without what is only in the status file', () => {
    const status =
      'Package: a\nStatus: install ok installed\nSection: misc\nMaintainer: m\nVersion: 1\n' +
      'Depends: b (>= 1),\n c\nConffiles:\n /etc/a d41d8cd98f00b204e9800998ecf8427e\n' +
      'Description: d\n text\nTag: t\nHomepage: h\n';
    expect(normalise(status)).toBe(
      'Package: a\nVersion: 1\nMaintainer: m\nDepends: b (>= 1), c\nSection: misc\n' +
        'Homepage: h\nDescription: d\n text\nTag: t\n',
    );
  });

  it('is its own normal form', () => {
    const once = normalise(ODD);
    expect(normalise(once)).toBe(once);
  });

  it('keeps relations that it does not understand, on one line', () => {
    const text = 'Package: a\nDepends: x (broken, y [amd64],\n  ) z\n';
    expect(normalise(text)).toBe('Package: a\nDepends: x (broken, y [amd64], ) z\n');
  });
});
