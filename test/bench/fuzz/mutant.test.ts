import { createHash } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import { streamsOf, withStreams, type FuzzedStream } from '../../../bench/fuzz/layers.js';
import { makeMutant } from '../../../bench/fuzz/mutant.js';
import { noise } from '../../support/chunks.js';

const HEAD = noise(12);
const STREAMS = [0, 3, 10].map((number) => ({ number, bytes: noise(600, number) }));
const OTHER = [{ number: 3, bytes: noise(1000, 4) }];

function originalOf(streams: readonly FuzzedStream[]) {
  return { delta: withStreams(HEAD, streams), streams };
}

const ORIGINALS = { ...originalOf(STREAMS), others: [originalOf(OTHER)] };
const NUMBERS = Array.from({ length: 500 }, (_, number) => number);

const mutants = (seed: number) => NUMBERS.map((number) => makeMutant(ORIGINALS, seed, number));

describe('mutants', () => {
  it('are the same for the same seed and number, others for others', () => {
    const inHex = (seed: number) => mutants(seed).map(({ bytes }) => bytes.toString('hex'));
    expect(inHex(7)).toEqual(inHex(7));
    const distinct = new Set(inHex(7));
    // Two may well change one byte to the same value.
    expect(distinct.size).toBeGreaterThan(450);
    expect(inHex(8)).not.toEqual(inHex(7));
  });

  it('leave what they are made of alone', () => {
    const before = Buffer.from(ORIGINALS.delta);
    mutants(1);
    expect(ORIGINALS.delta.equals(before)).toBe(true);
  });

  it('have a checksum that fits, but for those that a checksum should stop', () => {
    const made = mutants(3);
    const inBody = made.filter(({ layer }) => layer !== 'file');
    expect(inBody.length).toBeGreaterThan(400);
    expect(inBody.length).toBeLessThan(made.length);
    for (const { bytes } of inBody) {
      const sum = createHash('sha256').update(bytes.subarray(12)).digest().subarray(0, 8);
      expect(bytes.subarray(4, 12).equals(sum)).toBe(true);
      expect(bytes.subarray(0, 4).equals(ORIGINALS.delta.subarray(0, 4))).toBe(true);
    }
  });

  it('are shorter, longer, and of other deltas', () => {
    const lengths = mutants(5).map(({ bytes }) => bytes.length);
    expect(Math.min(...lengths)).toBeLessThan(1000);
    expect(Math.max(...lengths)).toBeGreaterThan(2000);
    const other = OTHER[0]?.bytes.subarray(990) ?? Buffer.alloc(0);
    expect(mutants(5).some(({ bytes }) => bytes.includes(other))).toBe(true);
  });

  it('change streams, most of them one, that are read in good order', () => {
    const made = mutants(4).filter(({ layer }) => layer === 'streams');
    expect(made.length).toBeGreaterThan(200);
    let [changed, read] = [0, 0];
    for (const { bytes } of made) {
      const streams = streamsOf(bytes);
      read += streams.length;
      const before = new Map(STREAMS.map((stream) => [stream.number, stream.bytes]));
      changed += streams.filter(
        (one) => before.get(one.number)?.equals(one.bytes) === false,
      ).length;
    }
    expect(read).toBeGreaterThan(2.9 * made.length);
    expect(changed).toBeGreaterThan(0.9 * made.length);
    expect(changed).toBeLessThan(1.5 * made.length);
  });

  it('can be made of almost nothing', () => {
    for (const length of [0, 1, 11, 12, 13]) {
      const originals = { delta: noise(length), streams: [], others: [] };
      for (const number of NUMBERS) makeMutant(originals, 1, number);
    }
  });
});
