import { expect, test } from 'vitest';

import { isNeeded } from '../../../packaging/debian/needed-files.js';

const PLAIN = { name: 'plain', isCompiled: false, platform: 'linux-x64' };
const COMPILED = { ...PLAIN, isCompiled: true };

test.each([
  ['package.json', PLAIN],
  ['index.js', PLAIN],
  ['build/lib/index.js', PLAIN],
  // mime has its tables there.
  ['types/standard.js', PLAIN],
  ['prebuilds/linux-x64/a.node', PLAIN],
  ['build/Release/a.node', COMPILED],
  ['dist/node/openpgp.mjs', { ...PLAIN, name: 'openpgp' }],
])('%s is needed', (path, facts) => {
  expect(isNeeded(path, facts)).toBe(true);
});

test.each([
  ['README.md', PLAIN],
  ['index.d.ts', PLAIN],
  ['index.js.map', PLAIN],
  ['src/code.c', PLAIN],
  ['test/index.js', PLAIN],
  // Another package, copied as such.
  ['node_modules/other/index.js', PLAIN],
  ['prebuilds/win32-x64/a.node', PLAIN],
  ['prebuilds/linux-x64/a.musl.node', PLAIN],
  // The one that was compiled here is loaded.
  ['prebuilds/linux-x64/a.node', COMPILED],
  ['build/Release/obj.target/a.node', COMPILED],
  ['build/config.json', COMPILED],
  ['dist/openpgp.min.mjs', { ...PLAIN, name: 'openpgp' }],
])('%s is not', (path, facts) => {
  expect(isNeeded(path, facts)).toBe(false);
});
