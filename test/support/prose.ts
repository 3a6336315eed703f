import { noise } from './chunks.js';

/** Text of few words in no order: it packs well, and differently at every level. */
export function prose(bytes: number): Buffer {
  const letters = Buffer.from(noise(1600, 7).map((byte) => 97 + (byte % 26)));
  const words = Array.from({ length: 256 }, (_, i) =>
    letters.toString('latin1', 5 * i, 5 * i + 2 + (i % 9)),
  );
  const text = [...noise(bytes)].map((byte) => words[byte] ?? '').join(' ');
  return Buffer.from(text, 'latin1').subarray(0, bytes);
}
