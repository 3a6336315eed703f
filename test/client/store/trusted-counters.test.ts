import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { openTrustedCounters } from '../../../client/store/trusted-counters.js';
import { temporaryFolder } from '../../support/cleanup.js';

describe('trusted counters', () => {
  it('are remembered for each source and suite', async () => {
    const folder = await temporaryFolder();
    const counters = await openTrustedCounters(folder, 'read-write');
    expect(counters.get('http://a', 'lab')).toBeNull();
    counters.set('http://a', 'lab', 7);
    counters.set('http://b', 'lab', 9);
    await counters.save();
    const again = await openTrustedCounters(folder, 'read-write');
    expect([again.get('http://a', 'lab'), again.get('http://b', 'lab')]).toEqual([7, 9]);
    expect(again.get('http://a', 'other')).toBeNull();
  });

  it('are not written by who only looks', async () => {
    const folder = await temporaryFolder();
    const counters = await openTrustedCounters(folder, 'read-only');
    counters.set('http://a', 'lab', 7);
    await counters.save();
    expect(await readdir(folder)).toEqual([]);
  });

  it.each(['', '[]', '{"a": -1}', '{"__proto__": {"x": 1}}', '\0\0'])(
    'start anew from a damaged file: %j',
    async (text) => {
      const folder = await temporaryFolder();
      await writeFile(join(folder, 'trusted-counters.json'), text);
      const counters = await openTrustedCounters(folder, 'read-write');
      expect(counters.get('a', 'b')).toBeNull();
    },
  );
});
