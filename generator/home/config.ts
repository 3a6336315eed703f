import { readFields, type Fail, type FieldParsers } from '../../shared/config/read-fields.js';
import { integer, list, oneOf, words } from '../../shared/config/values.js';
import { isArchitecture } from '../../shared/deb/control.js';
import { CODINGS, type Coding } from '../../shared/delta/container.js';
import { DebshoalError } from '../../shared/errors.js';
import { isComponent, isSuite } from '../../shared/index/layout.js';
import { isTitle } from '../../shared/index/release.js';
import { readBounded } from '../../shared/io/files.js';
import { LIMITS } from '../../shared/limits.js';

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

/** Parses deb822 text with comments; an absent field has its default. `name` is for errors. */
export function parseConfig(text: Uint8Array | string, name = 'generator.conf'): GeneratorConfig {
  const sets = readFields<GeneratorConfig>(text, name, FIELDS).map((field) => field.sets);
  return Object.assign({}, DEFAULT_CONFIG, ...sets) as GeneratorConfig;
}

const FIELDS: FieldParsers<GeneratorConfig> = {
  Suites: (value, fail) => ({ suites: list(value, isSuite, fail) }),
  Components: (value, fail) => ({ components: list(value, isComponent, fail) }),
  Architectures: (value, fail) => ({ architectures: list(value, isArchitecture, fail) }),
  'Keep-Versions': (value, fail) => ({ keepVersions: integer(value, 1, 100, fail) }),
  'Max-Ratio': (value, fail) => ({ maxRatio: integer(value, 1, 100, fail) }),
  Coding: (value, fail) => ({ coding: oneOf(value, CODINGS, fail) }),
  Workers: (value, fail) => ({ workers: value === '' ? null : integer(value, 1, 1024, fail) }),
  Announce: (value, fail) => ({
    announce: words(value).map((word) => url(word, ['http:', 'https:', 'udp:'], fail)),
  }),
  Mirror: (value, fail) => ({ mirror: baseUrl(value, fail) }),
  'Base-URL': (value, fail) => ({ baseUrl: baseUrl(value, fail) }),
  'Valid-For': (value, fail) => ({ validFor: integer(value, 1, 3650, fail) }),
  Origin: (value, fail) => ({ origin: title(value, fail) }),
  Label: (value, fail) => ({ label: title(value, fail) }),
};

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
