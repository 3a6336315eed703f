import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';

import { parseSimulation } from '../../../client/apt/simulation.js';

test('what apt 2.6 and 3.0 print', async () => {
  const recorded = new URL('recorded/full-upgrade.simulation', import.meta.url);
  const rows = parseSimulation(await readFile(recorded, 'utf8'));
  const row = (name: string, architecture: string, oldVersion: string | null, version: string) => ({
    package: name,
    architecture,
    oldVersion,
    version,
  });
  expect(rows).toEqual([
    row('allpkg', 'all', '5', '6'),
    row('newdep', 'all', null, '3.1'),
    row('epkg', 'amd64', '1:1.0-1+b1~x', '1:2.0-1+b1~x'),
    row('onlyi386', 'i386', '0~1', '2:0~2+x'),
    row('samepkg', 'amd64', '1.0', '2.0'),
    row('samepkg', 'i386', '1.0', '2.0'),
  ]);
});

test('several origins, an origin with brackets, removals', () => {
  const output = [
    'Remv gone [1.0]',
    'Inst libc6 [2.36-9] (2.36-9+deb12u14 Debian:12.9/stable, Debian-Security:12/x [amd64]) []',
    'Inst odd (1 A (b) [c]:x [all])',
    'Conf odd (1 A (b) [c]:x [all])',
  ];
  expect(parseSimulation(output.join('\n'))).toEqual([
    { package: 'libc6', architecture: 'amd64', oldVersion: '2.36-9', version: '2.36-9+deb12u14' },
    { package: 'odd', architecture: 'all', oldVersion: null, version: '1' },
  ]);
});

test.each([
  'Inst xy',
  'Inst ../xy (1 o [all])',
  'Inst xy [a b] (1 o [all])',
  'Inst xy (/1 o [all])',
])('a malformed line is refused: %s', (line) => {
  expect(() => parseSimulation(line)).toThrow(expect.objectContaining({ code: 'apt-failed' }));
});
