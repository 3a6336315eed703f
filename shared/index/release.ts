import { isArchitecture } from '../deb/control.js';
import { formatStanza, parseStanza } from '../deb/deb822.js';
import { DebshoalError, type ErrorCode } from '../errors.js';
import { sha256, SHA256_PATTERN, type Sha256 } from '../io/hash.js';
import { LIMITS } from '../limits.js';
import { isComponent, isSafePath, isSuite } from './layout.js';

/** Our Release file: what is listed in one suite, for how long, and what it was made from. */
export interface Release {
  readonly origin: string;
  readonly label: string;
  /** The path below `dists/`, which is what sources name. */
  readonly suite: string;
  readonly codename: string;
  /** To the second. */
  readonly date: Date;
  readonly validUntil: Date;
  readonly components: readonly string[];
  readonly architectures: readonly string[];
  /** Grows with every publication; a client accepts no lower one than it has seen. */
  readonly counter: number;
  /** Of the archive's own Release (hashRelease), when it has one. */
  readonly archiveReleaseSha256: Sha256 | null;
  readonly files: readonly ListedFile[];
}

export interface ListedFile {
  /** Relative to the folder of the Release. */
  readonly path: string;
  readonly size: number;
  readonly sha256: Sha256;
}

/** Writes a Release that apt accepts, too; `index-malformed` when no text would be one. */
export function encodeRelease(release: Release): string {
  const files = release.files.map((file) => `${file.sha256} ${file.size} ${file.path}`);
  const fields: [string, string][] = [
    ['Origin', release.origin],
    ['Label', release.label],
    ['Suite', release.suite],
    ['Codename', release.codename],
    ['Date', formatDate(release.date)],
    ['Valid-Until', formatDate(release.validUntil)],
    ['Components', release.components.join(' ')],
    ['Architectures', release.architectures.join(' ')],
    ['Acquire-By-Hash', 'yes'],
    ['Counter', String(release.counter)],
  ];
  if (release.archiveReleaseSha256 !== null) {
    fields.push(['Archive-Release-SHA256', release.archiveReleaseSha256]);
  }
  fields.push(['SHA256', ['', ...files].join('\n')]);
  checkRelease(release);
  return formatStanza(fields);
}

/** Reads one of our Release files and checks all of it; `index-malformed`. */
export function decodeRelease(text: string): Release {
  const stanza = parseStanza(text, {
    code: 'index-malformed',
    maxStanzaBytes: LIMITS.releaseBytes,
  });
  const field = (name: string): string => stanza.get(name) ?? fail(`no field ${name}`);
  const release: Release = {
    origin: field('Origin'),
    label: field('Label'),
    suite: field('Suite'),
    codename: field('Codename'),
    date: parseReleaseDate(field('Date')),
    validUntil: parseReleaseDate(field('Valid-Until')),
    components: words(field('Components')),
    architectures: words(field('Architectures')),
    counter: integer(field('Counter')),
    archiveReleaseSha256: stanza.get('Archive-Release-SHA256') ?? null,
    files: parseFileList(field('SHA256')),
  };
  checkRelease(release);
  return release;
}

/**
 * The files of a SHA256 field: ` hex size path` lines. For an archive's own Release, pass the
 * code that malformed text of an archive has.
 */
export function parseFileList(
  value: string,
  code: ErrorCode = 'index-malformed',
): readonly ListedFile[] {
  const [first, ...lines] = value.split('\n');
  if (first !== '') fail('a list of files begins on the line after its name', code);
  return lines.map((line) => {
    // Debian pads the sizes with blanks.
    const [hash = '', size = '', path = '', ...more] = words(line);
    if (more.length > 0) fail(`not a listed file: ${line}`, code);
    const file = { path, size: integer(size, code), sha256: hash };
    checkFile(file, code);
    return file;
  });
}

function checkFile(file: ListedFile, code: ErrorCode = 'index-malformed'): void {
  if (!isSafePath(file.path)) fail(`not a safe path: ${file.path}`, code);
  if (!SHA256_PATTERN.test(file.sha256)) fail(`no hash of ${file.path}`, code);
  if (!Number.isSafeInteger(file.size)) fail(`no size of ${file.path}`, code);
}

const DATE_PATTERN =
  /^[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d{1,2}:\d{2}:\d{2} (?:UTC|GMT|\+0000)$/;

/** `Sat, 11 Jul 2026 10:16:25 UTC`, of our Release or an archive's. */
export function parseReleaseDate(text: string, code: ErrorCode = 'index-malformed'): Date {
  const date = new Date(text.replace(/UTC$/, 'GMT'));
  const valid = DATE_PATTERN.test(text) && !Number.isNaN(date.getTime());
  return valid ? date : fail(`not a date: ${text}`, code);
}

/**
 * Names one state of an archive: SHA-256 of the text of its Release, ended by one newline. So it is
 * the same for Release and for the signed part of InRelease.
 */
export function hashRelease(text: string): Sha256 {
  return sha256(Buffer.from(`${text.trimEnd()}\n`));
}

function formatDate(date: Date): string {
  return date.toUTCString().replace('GMT', 'UTC');
}

function checkRelease(release: Release): void {
  const { suite, codename, components, architectures, counter } = release;
  const { archiveReleaseSha256: archive } = release;
  if (!isTitle(release.origin)) fail('not an origin');
  if (!isTitle(release.label)) fail('not a label');
  if (!isSuite(suite)) fail(`not a suite: ${suite}`);
  if (!isSuite(codename)) fail(`not a codename: ${codename}`);
  for (const name of components) if (!isComponent(name)) fail(`not a component: ${name}`);
  for (const name of architectures) if (!isArchitecture(name)) fail(`no architecture: ${name}`);
  if (!Number.isSafeInteger(counter) || counter < 0) fail(`not a counter: ${counter}`);
  if (archive !== null && !SHA256_PATTERN.test(archive)) fail('not a hash of the archive');
  if (release.validUntil <= release.date) fail('valid until before its own date');
  for (const file of release.files) checkFile(file);
  const paths = new Set(release.files.map((file) => file.path));
  if (paths.size !== release.files.length) fail('a file is listed twice');
}

/** One line that a terminal shows as it is. */
export function isTitle(text: string): boolean {
  return text !== '' && text.length <= 256 && text.trim() === text && !/\p{C}/u.test(text);
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

function integer(text: string, code: ErrorCode = 'index-malformed'): number {
  return /^(?:0|[1-9][0-9]{0,15})$/.test(text) ? Number(text) : fail(`not a number: ${text}`, code);
}

function fail(reason: string, code: ErrorCode = 'index-malformed'): never {
  throw new DebshoalError(code, `Release: ${reason}`);
}
