import { execFileSync } from 'node:child_process';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { makeBsdiffPatch } from '../../../generator/diff/bsdiff.js';
import { applyBsdiffPatch } from '../../../shared/delta/bsdiff-patch.js';
import { Bzip2Reader } from '../../../shared/delta/bzip2.js';
import { isDebshoalError } from '../../../shared/errors.js';
import { noise } from '../../support/chunks.js';
import { temporaryFolder } from '../../support/cleanup.js';
import { errorCode } from '../../support/error-code.js';
import { hasTool } from '../../support/tools.js';

const hasBzip2 = hasTool('bzip2');

function bzip2(input: Uint8Array, level = 9): Buffer {
  return execFileSync('bzip2', ['-c', `-${level}`], { input, maxBuffer: 1 << 28 });
}

describe.skipIf(!hasBzip2)('the bzip2 decoder (needs bzip2)', () => {
  const half = noise(150_000);
  it.each([
    ['nothing', Buffer.alloc(0)],
    ['one byte', Buffer.from('x')],
    ['four of one kind', Buffer.from('aaaa')],
    ['runs around the length byte', Buffer.from('a'.repeat(3) + 'b'.repeat(4) + 'c'.repeat(259))],
    ['a run longer than any length byte', Buffer.alloc(100_000, 7)],
    ['a run over several blocks', Buffer.alloc(3_000_000)],
    ['noise over several blocks', Buffer.concat([half, half.subarray(1000), half])],
    ['a period', Buffer.alloc(250_000, 'abc')],
  ])('expands %s', (_what, content) => {
    for (const level of [1, 9]) {
      const expanded = Buffer.alloc(content.length);
      const reader = new Bzip2Reader(bzip2(content, level));
      // In pieces that fall between the blocks and runs.
      for (let at = 0; at < content.length; at += 4999)
        reader.read(expanded.subarray(at, at + 4999));
      expect(expanded.equals(content)).toBe(true);
      expect(() => {
        reader.read(Buffer.alloc(1));
      }).toThrow();
    }
  });

  it('expands what bzip2 made of anything', () => {
    const runs = fc.array(
      fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 1, max: 600 })),
    );
    fc.assert(
      fc.property(runs, (pieces) => {
        const content = Buffer.concat(pieces.map(([byte, length]) => Buffer.alloc(length, byte)));
        const expanded = Buffer.alloc(content.length);
        new Bzip2Reader(bzip2(content)).read(expanded);
        expect(expanded.equals(content)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('refuses damaged streams, or gives bytes, and never more than were asked for', () => {
    const stream = bzip2(noise(3000));
    fc.assert(
      fc.property(fc.nat(stream.length - 1), fc.nat(255), (at, byte) => {
        const damaged = Buffer.from(stream);
        damaged[at] = byte;
        try {
          new Bzip2Reader(damaged).read(Buffer.alloc(4000));
        } catch (error) {
          expect(isDebshoalError(error, 'delta-damaged')).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('refuses every truncation', () => {
    const content = noise(500);
    const stream = bzip2(content);
    for (let length = 0; length < stream.length - 10; length++) {
      expect(() => {
        new Bzip2Reader(stream.subarray(0, length)).read(Buffer.alloc(content.length));
      }).toThrow();
    }
  });
});

describe('bsdiff patches', () => {
  it('give what they were made from', async () => {
    const folder = await temporaryFolder();
    const pieces = fc.array(fc.tuple(fc.nat(9), fc.nat(3000)), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(pieces, pieces, async (old, content) => {
        const join = (list: [number, number][]): Buffer =>
          Buffer.concat(list.map(([seed, length]) => noise(length, seed + 1)));
        const [a, b] = [join(old), join(content)];
        const patch = await makeBsdiffPatch(a, b, folder);
        expect(applyBsdiffPatch(a, patch, b.length).equals(b)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });
});

describe.skipIf(!hasBzip2)('attacks by bsdiff patches (needs bzip2)', () => {
  const old = Buffer.from('the old content');

  interface Forged {
    readonly triples: readonly (readonly [bigint, bigint, bigint])[];
    readonly length?: bigint;
  }

  function forge({ triples, length = 100n }: Forged): Buffer {
    const control = Buffer.alloc(triples.length * 24);
    triples.flat().forEach((value, i) => {
      writeNumber(control, value, i * 8);
    });
    const [first, diff, extra] = [
      bzip2(control),
      bzip2(Buffer.alloc(500)),
      bzip2(Buffer.alloc(500)),
    ];
    const header = Buffer.from('BSDIFF40'.padEnd(32, '\0'));
    [first.length, diff.length].forEach((size, i) => {
      writeNumber(header, BigInt(size), 8 + i * 8);
    });
    writeNumber(header, length, 24);
    return Buffer.concat([header, first, diff, extra]);
  }

  function writeNumber(bytes: Buffer, value: bigint, at: number): void {
    bytes.writeBigUInt64LE(value < 0n ? -value | (1n << 63n) : value, at);
  }

  const codeOf = (patch: Buffer, length = 100) =>
    errorCode(() => applyBsdiffPatch(old, patch, length));

  it('accepts the patch that the attacks are made from', async () => {
    expect(await codeOf(forge({ triples: [[60n, 40n, 0n]] }))).toBe('none');
  });

  it.each<[string, Forged]>([
    ['adds beyond the result', { triples: [[101n, 0n, 0n]] }],
    ['copies beyond the result', { triples: [[0n, 101n, 0n]] }],
    [
      'goes back to write before the result',
      {
        triples: [
          [-50n, 0n, 0n],
          [10n, 0n, 0n],
        ],
      },
    ],
    [
      'goes back by 2^32',
      {
        triples: [
          [100n - (1n << 32n), 0n, 0n],
          [10n, 0n, 0n],
        ],
      },
    ],
    ['copies a negative length', { triples: [[0n, -1n, 0n]] }],
    [
      'seeks beyond all numbers',
      {
        triples: [
          [0n, 0n, 1n << 62n],
          [100n, 0n, 0n],
        ],
      },
    ],
    ['claims another length', { triples: [[60n, 40n, 0n]], length: 99n }],
    ['claims a negative length', { triples: [[60n, 40n, 0n]], length: -100n }],
    ['ends early', { triples: [[10n, 0n, 0n]] }],
    ['makes no progress', { triples: Array<[bigint, bigint, bigint]>(200_000).fill([0n, 0n, 0n]) }],
  ])('refuses one that %s', async (_what, forged) => {
    expect(await codeOf(forge(forged))).toBe('delta-damaged');
  });

  it('reads nothing outside the old file', () => {
    const patch = forge({
      triples: [
        [0n, 0n, -1000n],
        [50n, 0n, 1_000_000n],
        [50n, 0n, 0n],
      ],
    });
    expect(applyBsdiffPatch(old, patch, 100)).toEqual(Buffer.alloc(100));
  });

  it('refuses lengths that point outside the patch, and no patch at all', async () => {
    const patch = forge({ triples: [[60n, 40n, 0n]] });
    for (const at of [8, 16]) {
      for (const value of [1n << 40n, -1n, BigInt(patch.length)]) {
        const changed = Buffer.from(patch);
        writeNumber(changed, value, at);
        expect(await codeOf(changed)).toBe('delta-damaged');
      }
    }
    expect(await codeOf(Buffer.alloc(0))).toBe('delta-damaged');
    expect(await codeOf(Buffer.alloc(100))).toBe('delta-damaged');
  });
});
