import { noise } from './chunks.js';

/** Text that compresses differently at every level. */
export function prose(bytes: number): Buffer {
  const words =
    noise(bytes / 2)
      .toString('latin1')
      .match(/[\s\S]{1,7}/g) ?? [];
  const text = words.map((_, i) => words[(i * i) % 4001] ?? '').join(' ');
  return Buffer.from(text, 'latin1').subarray(0, bytes);
}
