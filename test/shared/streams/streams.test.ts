import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { packStreams, type NamedStream } from '../../../shared/streams/pack-streams.js';
import { nameOfStream, STREAM_COUNT } from '../../../shared/streams/stream-names.js';
import { unpackStreams } from '../../../shared/streams/unpack-streams.js';

const LIMITS = { expandedBytes: 2 ** 24 };

const stream = fc.record({
  number: fc.nat(STREAM_COUNT - 1),
  bytes: fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.array(fc.nat(3), { maxLength: 3000 }).map((values) => Uint8Array.from(values)),
    fc.nat(20_000).map((length) => new Uint8Array(length)),
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

describe('streams', () => {
  it('come back as they were', async () => {
    await fc.assert(
      fc.asyncProperty(streams, async (list) => {
        await expectRoundTrip(list);
      }),
      {
        numRuns: 25,
      },
    );
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
});
