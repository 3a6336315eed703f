import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { diffDebs } from '../../../generator/diff/diff-debs.js';
import { describeDelta } from '../../../shared/delta/describe-delta.js';
import { openOldDeb } from '../../../shared/delta/old-deb.js';
import { rebuildDeb } from '../../../shared/delta/rebuild.js';
import { hashFile } from '../../../shared/io/hash.js';
import { temporaryFolder } from '../../support/cleanup.js';
import { FIXTURE_PAIRS } from '../../support/fixture-pairs.js';
import { GOLDEN_PAIRS } from './golden/pairs.js';

const pairs = FIXTURE_PAIRS.filter(({ name }) => GOLDEN_PAIRS.includes(name));

/** Clients meet deltas that were made years ago: version 1 means these bytes for ever. */
describe.each(pairs)('the golden delta of $name', ({ name, oldDeb: oldPath, newDeb: newPath }) => {
  const delta = join(import.meta.dirname, 'golden', `${name}-1.delta`);

  it('is still read, and gives the exact .deb', async () => {
    const folder = await temporaryFolder();
    const old = await openOldDeb(oldPath, join(folder, 'image'));
    const target = join(folder, 'rebuilt.deb');
    await rebuildDeb(delta, old, target, { temporaryParent: folder });
    await old.close();
    expect(await hashFile(target)).toEqual(await hashFile(newPath));
  });

  it('says the same of itself', async () => {
    const { header, bytes } = await describeDelta(delta);
    const {
      package: own,
      oldVersion,
      newVersion,
      target,
      parts,
      memoryBytes,
      oldIdentity,
    } = header;
    expect({
      own,
      oldVersion,
      newVersion,
      target,
      parts,
      memoryBytes,
      oldIdentity,
      bytes,
    }).toMatchSnapshot();
  });

  // openssl takes ten seconds. When the encoder has learned something, this test goes, and the two
  // above stay.
  if (name === 'openssl') return;
  it('is what the encoder writes today', async () => {
    const made = join(await temporaryFolder(), 'made.delta');
    await diffDebs(oldPath, newPath, made);
    expect((await readFile(made)).equals(await readFile(delta))).toBe(true);
  });
});
