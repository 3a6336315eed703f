import { Readable } from 'node:stream';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { gather } from '../../../shared/io/gather.js';

describe('gathered chunks', () => {
  it('are the same bytes, in chunks that are large enough but for the last', async () => {
    const chunk = fc.uint8Array({ minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(fc.array(chunk), fc.integer({ min: 1, max: 40 }), async (chunks, bytes) => {
        const gathered: Uint8Array[] = [];
        for await (const one of gather(Readable.from(chunks), bytes)) gathered.push(one);
        expect(Buffer.concat(gathered)).toEqual(Buffer.concat(chunks));
        for (const one of gathered.slice(0, -1)) expect(one.length).toBeGreaterThanOrEqual(bytes);
        expect(gathered.every((one) => one.length > 0)).toBe(true);
      }),
    );
  });

  it('fail where the source fails', async () => {
    const failing = Readable.from(
      (function* () {
        yield Buffer.from('a');
        throw new Error('gone');
      })(),
    );
    await expect(async () => {
      for await (const chunk of gather(failing, 10)) expect(chunk).toBeUndefined();
    }).rejects.toThrow('gone');
  });
});
