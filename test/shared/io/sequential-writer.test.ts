import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import fc from 'fast-check';
import { expect, it } from 'vitest';

import { SequentialWriter } from '../../../shared/io/sequential-writer.js';
import { noise } from '../../support/chunks.js';
import { temporaryFolder } from '../../support/cleanup.js';

it('writes chunks of all sizes one after the other from where it begins', async () => {
  const folder = await temporaryFolder();
  const bytes = noise(1 << 20);
  const sizes = fc.array(fc.oneof(fc.nat(2000), fc.nat(300_000)), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(fc.nat(5000), sizes, async (start, lengths) => {
      const path = join(folder, 'out');
      const file = await open(path, 'w');
      const writer = new SequentialWriter(file, start);
      const chunks = lengths.map((length, i) => bytes.subarray(i * 1000, i * 1000 + length));
      for (const chunk of chunks) {
        // Whoever writes may use its own buffer again.
        const own = Buffer.from(chunk);
        await writer.write(own);
        own.fill(0);
      }
      await writer.flush();
      await file.close();
      const total = lengths.reduce((a, b) => a + b, 0);
      const written = await readFile(path);
      expect(written.length).toBe(total === 0 ? 0 : start + total);
      expect(written.subarray(start).equals(Buffer.concat(chunks))).toBe(true);
    }),
    { numRuns: 50 },
  );
});
