import { open } from 'node:fs/promises';

import { describe, expect, it } from 'vitest';

import type { TargetPart } from '../../../shared/delta/delta.js';
import { predictEnvelope, readTimestamp } from '../../../shared/delta/envelope.js';
import { expandDeb } from '../../../shared/deb/expand-deb.js';
import { readExactly } from '../../../shared/io/files.js';
import { temporaryFolder } from '../../support/cleanup.js';
import { FIXTURE_PAIRS } from '../../support/fixture-pairs.js';

describe('the envelope', () => {
  it.each(FIXTURE_PAIRS)('of the new $name is predicted from its time', async ({ newDeb }) => {
    const deb = await expandDeb(newDeb, `${await temporaryFolder()}/image`);
    const recipe = { kind: 'xz', preset: 6, extreme: false, check: 4, blockBytes: 1 } as const;
    const parts = deb.parts.map((part): TargetPart =>
      part.kind === 'literal' ? part : { ...part, recipe },
    );
    const file = await open(newDeb, 'r');
    const pieces: Buffer[] = [];
    let at = 0;
    for (const part of deb.parts) {
      if (part.kind === 'literal') pieces.push(await readExactly(file, at, part.length));
      at += part.kind === 'literal' ? part.length : part.packedLength;
    }
    await file.close();
    const envelope = Buffer.concat(pieces);
    expect(predictEnvelope(parts, readTimestamp(envelope)).equals(envelope)).toBe(true);
  });

  it('has no time where there is none', () => {
    expect(readTimestamp(Buffer.from('!<arch>\n'))).toBe(0);
    expect(readTimestamp(Buffer.alloc(100, 'x'))).toBe(0);
  });
});
