import type { Fail } from './read-fields.js';

/** Words between blanks, commas and line ends. */
export function words(value: string): readonly string[] {
  return value.split(/[\s,]+/).filter((word) => word !== '');
}

export function list(
  value: string,
  accept: (word: string) => boolean,
  fail: Fail,
): readonly string[] {
  for (const word of words(value)) if (!accept(word)) fail(`cannot contain ${word}`);
  return words(value);
}

export function integer(value: string, low: number, high: number, fail: Fail): number {
  const number = /^[0-9]{1,9}$/.test(value) ? Number(value) : NaN;
  return number >= low && number <= high ? number : fail(`must be from ${low} to ${high}`);
}

export function oneOf<T extends string>(value: string, choices: readonly T[], fail: Fail): T {
  return choices.find((choice) => choice === value) ?? fail(`must be ${choices.join(' or ')}`);
}
