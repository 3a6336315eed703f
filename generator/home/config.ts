import { isArchitecture } from '../../shared/deb/control.js';
import { stanzas, type Field } from '../../shared/deb/deb822.js';
import { CODINGS, type Coding } from '../../shared/delta/container.js';
import { DebshoalError } from '../../shared/errors.js';
import { isComponent, isSuite } from '../../shared/index/layout.js';
import { isTitle } from '../../shared/index/release.js';
import { readBounded } from '../../shared/io/files.js';
import { LIMITS } from '../../shared/limits.js';
import { nearestName } from '../../shared/nearest-name.js';

/** What the generator makes, from what, and for whom. `config-template.ts` explains each field. */
export interface GeneratorConfig {
  /** Which to make deltas for; empty means all that are found. So are the next two. */
  readonly suites: readonly string[];
  readonly components: readonly string[];
  readonly architectures: readonly string[];
  /** Deltas come from this many published versions before the new one. */
  readonly keepVersions: number;
  /** A delta larger than this part of its .deb is not kept, in percent. */
  readonly maxRatio: number;
  /** Whether deltas are quick to apply or as small as possible. */
  readonly coding: Coding;
  /** Worker processes; null means one for each processor. */
  readonly workers: number | null;
  /** URLs of trackers. */
  readonly announce: readonly string[];
  /** The archive's base URL, without a slash at the end: web seed of full .debs. */
  readonly mirror: string | null;
  /** Where our output is served, without a slash at the end: web seed of deltas. */
  readonly baseUrl: string | null;
  /** How long clients believe one publication, in days. */
  readonly validFor: number;
  readonly origin: string;
  readonly label: string;
}

export const DEFAULT_CONFIG: GeneratorConfig = {
  suites: [],
  components: [],
  architectures: [],
  keepVersions: 3,
  maxRatio: 70,
  coding: 'fast',
  workers: null,
  announce: [],
  mirror: null,
  baseUrl: null,
  validFor: 7,
  origin: 'debshoal',
  label: 'debshoal',
};

/** Reads and parses generator.conf; a mistake is `config-invalid`, with file, line and reason. */
export async function readConfig(path: string): Promise<GeneratorConfig> {
  let bytes: Buffer;
  try {
    bytes = await readBounded(path, LIMITS.configBytes);
  } catch (cause) {
    throw new DebshoalError('config-invalid', `cannot read ${path}`, {
      cause,
      hint: 'Run `debshoal-generator init` first, or name its folder with --home.',
    });
  }
  return parseConfig(bytes, path);
}

/**
 * Parses deb822 text with comments. Blank lines mean nothing here, for people put them between
 * fields; an absent field has its default. `name` is what errors call the text.
 */
export function parseConfig(text: Uint8Array | string, name = 'generator.conf'): GeneratorConfig {
  let config = DEFAULT_CONFIG;
  const lines = new Map<string, number>();
  for (const field of fieldsOf(text, name)) {
    const known = FIELD_NAMES.find((one) => one.toLowerCase() === field.name.toLowerCase());
    if (known === undefined) throw unknownField(field, name);
    const fail: Fail = (reason) => {
      throw new DebshoalError('config-invalid', `${name} line ${field.line}: ${known} ${reason}`);
    };
    const before = lines.get(known);
    if (before !== undefined) fail(`is already on line ${before}`);
    lines.set(known, field.line);
    config = { ...config, ...FIELDS[known](field.value, fail) };
  }
  return config;
}

function fieldsOf(text: Uint8Array | string, name: string): readonly Field[] {
  const options = {
    code: 'config-invalid',
    maxStanzaBytes: LIMITS.configBytes,
    comments: true,
  } as const;
  try {
    return [...stanzas(text, options)].flatMap((stanza) => stanza.fields);
  } catch (cause) {
    const reason = cause instanceof DebshoalError ? cause.message : 'cannot be read';
    throw new DebshoalError('config-invalid', `${name} ${reason}`, { cause });
  }
}

function unknownField(field: Field, name: string): DebshoalError {
  const nearest = nearestName(field.name, FIELD_NAMES);
  const hint =
    nearest === null ? `Known fields: ${FIELD_NAMES.join(', ')}.` : `Did you mean ${nearest}?`;
  const message = `${name} line ${field.line}: unknown field ${field.name}`;
  return new DebshoalError('config-invalid', message, { hint });
}

type Fail = (reason: string) => never;
type ParseField = (value: string, fail: Fail) => Partial<GeneratorConfig>;

const FIELDS = {
  Suites: (value, fail) => ({ suites: list(value, isSuite, fail) }),
  Components: (value, fail) => ({ components: list(value, isComponent, fail) }),
  Architectures: (value, fail) => ({ architectures: list(value, isArchitecture, fail) }),
  'Keep-Versions': (value, fail) => ({ keepVersions: integer(value, 1, 100, fail) }),
  'Max-Ratio': (value, fail) => ({ maxRatio: integer(value, 1, 100, fail) }),
  Coding: (value, fail) => ({
    coding: CODINGS.find((coding) => coding === value) ?? fail(`must be ${CODINGS.join(' or ')}`),
  }),
  Workers: (value, fail) => ({ workers: value === '' ? null : integer(value, 1, 1024, fail) }),
  Announce: (value, fail) => ({
    announce: words(value).map((word) => url(word, ['http:', 'https:', 'udp:'], fail)),
  }),
  Mirror: (value, fail) => ({ mirror: baseUrl(value, fail) }),
  'Base-URL': (value, fail) => ({ baseUrl: baseUrl(value, fail) }),
  'Valid-For': (value, fail) => ({ validFor: integer(value, 1, 3650, fail) }),
  Origin: (value, fail) => ({ origin: title(value, fail) }),
  Label: (value, fail) => ({ label: title(value, fail) }),
} as const satisfies Record<string, ParseField>;

const FIELD_NAMES = Object.keys(FIELDS) as readonly (keyof typeof FIELDS)[];

/** Words between blanks, commas and line ends. */
function words(value: string): readonly string[] {
  return value.split(/[\s,]+/).filter((word) => word !== '');
}

function list(value: string, accept: (word: string) => boolean, fail: Fail): readonly string[] {
  for (const word of words(value)) if (!accept(word)) fail(`cannot contain ${word}`);
  return words(value);
}

function integer(value: string, low: number, high: number, fail: Fail): number {
  const number = /^[0-9]{1,9}$/.test(value) ? Number(value) : NaN;
  return number >= low && number <= high ? number : fail(`must be from ${low} to ${high}`);
}

function url(value: string, protocols: readonly string[], fail: Fail): string {
  const parsed = URL.canParse(value) ? new URL(value) : fail(`has no URL: ${value}`);
  if (!protocols.includes(parsed.protocol)) fail(`must begin with ${protocols.join(' or ')}`);
  return value;
}

function baseUrl(value: string, fail: Fail): string | null {
  if (value === '') return null;
  const { search, hash } = new URL(url(value, ['http:', 'https:'], fail));
  if (search !== '' || hash !== '') fail('must end with its path: paths are appended to it');
  return value.replace(/\/$/, '');
}

function title(value: string, fail: Fail): string {
  return isTitle(value) ? value : fail('must be one line of text');
}
