import type { Fail } from '../../shared/config/read-fields.js';
import { integer, list, oneOf } from '../../shared/config/values.js';
import { isDebshoalError } from '../../shared/errors.js';
import { addressFilter } from '../../shared/swarm/addresses.js';

/** How people write a value; what is formatted parses to the same. */
export interface Codec<T> {
  readonly parse: (text: string, fail: Fail) => T;
  readonly format: (value: T) => string;
}

export const YES_OR_NO: Codec<boolean> = {
  parse: (text, fail) => oneOf(text.toLowerCase(), ['yes', 'no'], fail) === 'yes',
  format: (value) => (value ? 'yes' : 'no'),
};

export function choice<T extends string>(choices: readonly T[]): Codec<T> {
  return { parse: (text, fail) => oneOf(text, choices, fail), format: (value) => value };
}

export function whole(low: number, high: number): Codec<number> {
  return { parse: (text, fail) => integer(text, low, high, fail), format: String };
}

/** Up to three decimals. */
export function decimal(low: number, high: number): Codec<number> {
  return {
    parse: (text, fail) => {
      const number = /^\d{1,6}(?:\.\d{1,3})?$/.test(text) ? Number(text) : NaN;
      return number >= low && number <= high ? number : fail(`must be from ${low} to ${high}`);
    },
    format: String,
  };
}

/** Empty text is null. */
export function optional<T>({ parse, format }: Codec<T>): Codec<T | null> {
  return {
    parse: (text, fail) => (text === '' ? null : parse(text, fail)),
    format: (value) => (value === null ? '' : format(value)),
  };
}

/** As apt and disk makers count, and as the kernel does. */
const BYTE_UNITS: Readonly<Record<string, number>> = {
  TiB: 2 ** 40,
  TB: 1e12,
  GiB: 2 ** 30,
  GB: 1e9,
  MiB: 2 ** 20,
  MB: 1e6,
  KiB: 2 ** 10,
  kB: 1e3,
  B: 1,
};

/** As providers sell lines. */
const BIT_UNITS: Readonly<Record<string, number>> = { Gbit: 125e6, Mbit: 125e3, kbit: 125 };

/** Bytes, such as `2 GB` or `1.5 GiB`: a number alone would be guessed wrongly. */
export const BYTES = amount(BYTE_UNITS, '', '2 GB');

/** Bytes a second, such as `500 kB/s` or `10 Mbit/s`. */
export const BYTES_PER_SECOND = amount({ ...BYTE_UNITS, ...BIT_UNITS }, '/s', '500 kB/s');

function amount(
  units: Readonly<Record<string, number>>,
  suffix: string,
  example: string,
): Codec<number> {
  const bad = `must be an amount with its unit, such as ${example}`;
  return {
    parse: (text, fail) => {
      const match = /^(\d{1,15}(?:\.\d{1,3})?) ?([a-z]+)(\/s)?$/i.exec(text);
      const [, number, name, end = ''] = match ?? fail(bad);
      const unit = Object.entries(units).find(([unitName]) => isUnit(unitName, name ?? ''));
      if (unit === undefined || end !== suffix) return fail(bad);
      const value = Math.round(Number(number) * unit[1]);
      return value > 0 && value <= 1e15 ? value : fail('must be from 1 B to 1000 TB');
    },
    format: (value) => {
      const [unit, size] = Object.entries(BYTE_UNITS).find((entry) => value % entry[1] === 0) ?? [
        'B',
        1,
      ];
      return `${value / size} ${unit}${suffix}`;
    },
  };
}

/** `KB` and `gb` are written, too; but never is the `b` of bits a byte. */
function isUnit(known: string, written: string): boolean {
  const [end, start] = [/(B|bit)$/.exec(known)?.[0] ?? '', /(B|bit)$/.exec(written)?.[0] ?? ''];
  return end === start && known.toLowerCase() === written.toLowerCase();
}

/** Hours of the day, such as `22:00-06:00`, as minutes since midnight; `24:00` is midnight, too. */
export const HOURS: Codec<{ readonly from: number; readonly to: number }> = {
  parse: (text, fail) => {
    const [, ...digits] = /^(\d\d):(\d\d) ?- ?(\d\d):(\d\d)$/.exec(text) ?? [];
    const [fromHour = NaN, fromMinute = NaN, toHour = NaN, toMinute = NaN] = digits.map(Number);
    const from = fromHour * 60 + fromMinute;
    const to = toHour * 60 + toMinute;
    const valid = fromMinute < 60 && toMinute < 60 && from < DAY && to <= DAY && from !== to;
    return valid ? { from, to } : fail('must be hours of the day, such as 22:00-06:00');
  },
  format: ({ from, to }) => `${clock(from)}-${clock(to)}`,
};

const DAY = 24 * 60;

function clock(minutes: number): string {
  const [hour, minute] = [Math.floor(minutes / 60), minutes % 60];
  return [hour, minute].map((part) => String(part).padStart(2, '0')).join(':');
}

export const ABSOLUTE_PATH: Codec<string> = {
  parse: (text, fail) => (/^\/[^\0\n]*$/.test(text) ? text : fail('must be an absolute path')),
  format: (path) => path,
};

/** Addresses, subnets and ranges, separated by blanks. */
export const ADDRESSES: Codec<readonly string[]> = {
  parse: (text, fail) => list(text, isAddresses, fail),
  format: (entries) => entries.join(' '),
};

function isAddresses(word: string): boolean {
  try {
    addressFilter([word]);
    return true;
  } catch (error) {
    if (isDebshoalError(error, 'config-invalid')) return false;
    throw error;
  }
}
