import { execFileSync } from 'node:child_process';
import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { ArReader } from 'ar-async';
import { describe, expect, it } from 'vitest';

import { readArMembers, type ArMember } from '../../../shared/deb/ar.js';
import { temporaryFolder } from '../../support/cleanup.js';
import { errorCode } from '../../support/error-code.js';
import { FIXTURE_PAIRS } from '../../support/fixture-pairs.js';
import { makeAr, makeTinyDeb } from '../../support/tiny-deb.js';
import { hasTool } from '../../support/tools.js';

async function membersOf(path: string): Promise<ArMember[]> {
  const file = await open(path, 'r');
  try {
    return await readArMembers(file, (await file.stat()).size);
  } finally {
    await file.close();
  }
}

async function membersOfBytes(bytes: Buffer): Promise<ArMember[]> {
  const path = join(await temporaryFolder(), 'test.deb');
  await writeFile(path, bytes);
  return membersOf(path);
}

/** What an independent reader finds. */
function readWithArAsync(path: string): Promise<{ name: string; size: number }[]> {
  return new Promise((resolve, reject) => {
    const found: { name: string; size: number }[] = [];
    new ArReader(path)
      .on('entry', (entry, next) => {
        found.push({ name: entry.fileName(), size: entry.fileSize() });
        next();
      })
      .on('error', reject)
      .on('close', () => {
        resolve(found);
      });
  });
}

describe.each(FIXTURE_PAIRS)('$name', (pair) => {
  it.each([pair.oldDeb, pair.newDeb])('has the members that ar-async finds: %s', async (path) => {
    const ours = (await membersOf(path)).map(({ name, size }) => ({ name, size }));
    expect(ours).toEqual(await readWithArAsync(path));
  });

  it.skipIf(!hasTool('ar'))('has the members that ar lists (needs binutils)', async () => {
    const listed = execFileSync('ar', ['t', pair.newDeb], { encoding: 'utf8' }).trim().split('\n');
    expect((await membersOf(pair.newDeb)).map((member) => member.name)).toEqual(listed);
  });
});

describe('attacks on the ar reader', () => {
  const content = Buffer.from('2.0\n');

  it('refuses a file without the magic', async () => {
    expect(await errorCode(membersOfBytes(Buffer.from('no archive at all')))).toBe('deb-malformed');
    expect(await errorCode(membersOfBytes(Buffer.alloc(0)))).toBe('deb-malformed');
  });

  it('refuses a member that is longer than the file', async () => {
    const ar = makeAr([{ name: 'debian-binary', content, size: '9999999999' }]);
    expect(await errorCode(membersOfBytes(ar))).toBe('deb-malformed');
  });

  it.each(['-4', '4.0', '0x4', '', '1e3', '+4'])('refuses the size "%s"', async (size) => {
    const ar = makeAr([{ name: 'debian-binary', content, size }]);
    expect(await errorCode(membersOfBytes(ar))).toBe('deb-malformed');
  });

  it('refuses endless members', async () => {
    const member = { name: '_x', content };
    expect(await errorCode(membersOfBytes(makeAr(Array(33).fill(member))))).toBe('deb-malformed');
  });

  it('refuses every truncation of a .deb, or sees fewer members', async () => {
    const deb = await makeTinyDeb({ entries: [{ path: 'a', content: 'x' }] });
    const whole = await membersOfBytes(deb);
    for (let length = 0; length < deb.length; length += 7) {
      const result = await membersOfBytes(deb.subarray(0, length)).catch((error: unknown) => error);
      if (Array.isArray(result)) expect(result.length).toBeLessThan(whole.length);
      else expect(result).toMatchObject({ code: 'deb-malformed' });
    }
  });

  it('takes names with a slash for those without, and an odd size with its padding', async () => {
    const ar = makeAr([
      { name: 'debian-binary/', content: Buffer.from('2.0') },
      { name: 'next', content },
    ]);
    expect((await membersOfBytes(ar)).map(({ name }) => name)).toEqual(['debian-binary', 'next']);
  });
});
