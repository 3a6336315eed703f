import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { packStreams, type NamedStream } from '../../../shared/streams/pack-streams.js';
import { nameOfStream, STREAM_COUNT } from '../../../shared/streams/stream-names.js';
import { describeStreams, unpackStreams } from '../../../shared/streams/unpack-streams.js';
import { isDebshoalError } from '../../../shared/errors.js';

const LIMITS = { expandedBytes: 2 ** 20 };

const stream = fc.record({
  number: fc.nat(STREAM_COUNT - 1),
  bytes: fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.array(fc.nat(3), { maxLength: 2000 }).map((values) => Uint8Array.from(values)),
    fc.nat(3000).map((length) => new Uint8Array(length)),
  ),
});
const streams = fc
  .uniqueArray(stream, { selector: ({ number }) => number, maxLength: 8 })
  .map((list) => list.map(({ number, bytes }) => ({ name: nameOfStream(number), bytes })));

async function expectRoundTrip(list: readonly NamedStream[]): Promise<Buffer> {
  const packed = await packStreams(list);
  const unpacked = await unpackStreams(packed, LIMITS);
  const full = list.filter(({ bytes }) => bytes.length > 0);
  expect(unpacked.size).toBe(full.length);
  for (const { name, bytes } of full) expect(unpacked.get(name)?.equals(bytes)).toBe(true);
  return packed;
}

/** Bytes that look like random, the same in each run. */
function noise(length: number): Buffer {
  let state = 1;
  return Buffer.from(
    Array.from({ length }, () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return state >>> 24;
    }),
  );
}

describe('streams', () => {
  it('come back as they were', async () => {
    await fc.assert(
      fc.asyncProperty(streams, async (list) => {
        await expectRoundTrip(list);
      }),
      { numRuns: 12 },
    );
  });

  it('come back without time for mixing', async () => {
    const list: NamedStream[] = [
      { name: 'code-extra', bytes: Buffer.from('some code'.repeat(2000)) },
      { name: 'plain-extra', bytes: noise(5000) },
    ];
    const packed = await packStreams(list, { decodeBudgetMs: 0 });
    expect((await unpackStreams(packed, LIMITS)).get('plain-extra')?.equals(noise(5000))).toBe(
      true,
    );
    for (const { coder } of describeStreams(packed, LIMITS)) expect(coder).not.toBe('mixed');
  });

  it('come back when they are too long to try every coder', async () => {
    const bytes = Buffer.from('stretches of a large file '.repeat(50_000));
    const packed = await packStreams([{ name: 'plain-extra', bytes }], { decodeBudgetMs: 0 });
    const unpacked = await unpackStreams(packed, { expandedBytes: bytes.length });
    expect(unpacked.get('plain-extra')?.equals(bytes)).toBe(true);
  });

  it('are the same bytes each time', async () => {
    const list: NamedStream[] = [{ name: 'code-extra', bytes: noise(3000) }];
    expect((await packStreams(list)).equals(await packStreams(list))).toBe(true);
  });

  it('cost nothing when they are empty', async () => {
    expect(await packStreams([])).toHaveLength(0);
    expect(await packStreams([{ name: 'header', bytes: Buffer.alloc(0) }])).toHaveLength(0);
  });

  it('cost little over their content when they are short', async () => {
    const list = Array.from({ length: 8 }, (_, number) => ({
      name: nameOfStream(number),
      bytes: Buffer.from([number * 31 + 7, number * 17 + 1]),
    }));
    const packed = await expectRoundTrip(list);
    expect(packed.length).toBeLessThanOrEqual(16 + 10);
  });

  it('cost next to nothing over noise', async () => {
    const packed = await expectRoundTrip([{ name: 'plain-extra', bytes: noise(40_000) }]);
    expect(packed.length).toBeLessThanOrEqual(40_000 + 8);
  });

  it('are described without being expanded', async () => {
    const packed = await packStreams([
      { name: 'code-extra', bytes: Buffer.alloc(1000) },
      { name: 'header', bytes: noise(5000) },
    ]);
    const described = describeStreams(packed, LIMITS);
    expect(described.map(({ name, expandedBytes }) => [name, expandedBytes])).toEqual(
      expect.arrayContaining([
        ['header', 5000],
        ['code-extra', 1000],
      ]),
    );
    const total = described.reduce((sum, { packedBytes }) => sum + packedBytes, 0);
    expect(total).toBeLessThanOrEqual(packed.length);
  });

  it('may not be there twice', async () => {
    const twice: NamedStream = { name: 'header', bytes: Buffer.from([1]) };
    await expect(packStreams([twice, twice])).rejects.toThrow('twice');
  });
});

describe('hostile streams', () => {
  const small = { expandedBytes: 20_000 };

  async function expectRefusalOrResult(bytes: Uint8Array): Promise<void> {
    let total = 0;
    try {
      for (const content of (await unpackStreams(bytes, small)).values()) total += content.length;
    } catch (error) {
      if (!isDebshoalError(error, 'delta-damaged', 'limit-exceeded')) throw error;
    }
    expect(total).toBeLessThanOrEqual(small.expandedBytes);
  }

  it('end in a refusal or within the limits, whatever the bytes', async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), expectRefusalOrResult), {
      numRuns: 100,
    });
  });

  it('end in a refusal or within the limits when one byte of a package is changed', async () => {
    const packed = await packStreams([
      { name: 'match-lengths', bytes: Buffer.from([1, 200, 1, 3, 200, 200, 9, 5]) },
      { name: 'match-steps', bytes: Buffer.from([200, 4, 201, 4, 3, 7, 255, 255, 9]) },
      { name: 'code-extra', bytes: Buffer.from('push mov push mov call'.repeat(20)) },
      { name: 'header', bytes: Buffer.from('some name') },
    ]);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(packed.length - 1),
        fc.integer({ min: 1, max: 255 }),
        async (at, change) => {
          const changed = Buffer.from(packed);
          changed.writeUInt8(packed.readUInt8(at) ^ change, at);
          await expectRefusalOrResult(changed);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('are refused before anything of their length is allocated', async () => {
    // One last stored block, whose only stream claims 4 GiB.
    const claim = Buffer.from([8, 0xfc, 0xff, 0xff, 0xff, 0x3f]);
    await expect(unpackStreams(claim, LIMITS)).rejects.toMatchObject({ code: 'limit-exceeded' });
  });

  it('are refused when a stream is there twice', async () => {
    const twice = Buffer.from([0, 0, 1, 77, 8, 0, 77]);
    await expect(unpackStreams(twice, LIMITS)).rejects.toMatchObject({ code: 'delta-damaged' });
  });

  it('are refused when they have an unknown number or coder', async () => {
    for (const bytes of [
      [8, 3, STREAM_COUNT - 3, 77],
      [15, 0, 77],
    ]) {
      await expect(unpackStreams(Buffer.from(bytes), LIMITS)).rejects.toMatchObject({
        code: 'delta-damaged',
      });
    }
  });

  it('are refused when the last block is missing', async () => {
    await expect(unpackStreams(Buffer.from([0, 0, 1, 77]), LIMITS)).rejects.toMatchObject({
      code: 'delta-damaged',
    });
  });
});
