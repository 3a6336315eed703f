import { formatStanza, stanzas, type Stanza } from '../deb/deb822.js';
import type { FileIdentity } from '../delta/delta.js';
import { DebshoalError } from '../errors.js';
import type { Sha256 } from '../io/hash.js';
import { LIMITS } from '../limits.js';
import { checkDeltasIndex } from './deltas-schema.js';

/** The `Deltas` file of one suite, component and architecture. FORMAT.md describes its text. */
export interface DeltasIndex {
  readonly suite: string;
  readonly component: string;
  readonly architecture: string;
  /** Tracker URLs for all torrents: in the signed index, for a torrent's own are not in its hash. */
  readonly announce: readonly string[];
  readonly batches: readonly Batch[];
  readonly packages: readonly IndexedPackage[];
}

/** The deltas of one publish run: one folder, one torrent. */
export interface Batch {
  readonly name: string;
  /** 40 lower-case hex digits. */
  readonly infoHash: string;
}

/** A new version that is worth fetching, by deltas or as a whole. */
export interface IndexedPackage {
  readonly package: string;
  /** The index's own architecture, or `all`. */
  readonly architecture: string;
  readonly version: string;
  /** Of the full .deb, in bytes. */
  readonly size: number;
  readonly sha256: Sha256;
  /** Of the torrent of the full .deb, when there is one. */
  readonly infoHash: string | null;
  /** Of the full .deb in its archive's pool, relative to the archive's base. */
  readonly filename: string | null;
  /** The same .deb in its expanded form, which every delta rebuilds as well; null without deltas. */
  readonly expanded: FileIdentity | null;
  /**
   * What the encoder of the exact form takes of each delta's `memoryMiB`; the expanded form does not
   * need it. Null when the deltas rebuild only the expanded form.
   */
  readonly encoderMiB: number | null;
  readonly deltas: readonly IndexedDelta[];
}

export interface IndexedDelta {
  /** The package itself, or the one before in its series (seriesOf), where each has a name of its own. */
  readonly oldPackage: string;
  /** Older than the package's version. */
  readonly oldVersion: string;
  /** Of the delta, in bytes. */
  readonly size: number;
  readonly sha256: Sha256;
  /** What rebuilding takes, the exact form's encoder included, rounded up to 1,048,576 bytes. */
  readonly memoryMiB: number;
  /** An index into `batches`. */
  readonly batch: number;
  readonly work: Work;
}

/**
 * What applying takes on one core of the reference machine, in milliseconds. Estimated from what is
 * counted when the delta is made, never from a clock: FORMAT.md.
 */
export interface Work {
  /** Until the new tars are there. */
  readonly decode: number;
  /** Compressing them, which the expanded form is spared. */
  readonly compress: number;
}

const FORMAT = '1';

/** Writes an index that decodeDeltasIndex() accepts; `index-malformed` when no text would be one. */
export function encodeDeltasIndex(index: DeltasIndex): string {
  checkDeltasIndex(index);
  const batches = index.batches.map(
    ({ infoHash, name }, number) => `${number} ${infoHash} ${name}`,
  );
  const head = formatStanza([
    ['Format', FORMAT],
    ['Suite', index.suite],
    ['Component', index.component],
    ['Architecture', index.architecture],
    ...(index.announce.length > 0 ? [['Announce', index.announce.join(' ')] as const] : []),
    ['Batches', ['', ...batches].join('\n')],
  ]);
  return [head, ...index.packages.map(encodePackage)].join('\n');
}

function encodePackage(entry: IndexedPackage): string {
  const fields: [string, string][] = [
    ['Package', entry.package],
    ['Architecture', entry.architecture],
    ['Version', entry.version],
    ['Size', String(entry.size)],
    ['SHA256', entry.sha256],
  ];
  if (entry.infoHash !== null) fields.push(['Info-Hash', entry.infoHash]);
  if (entry.filename !== null) fields.push(['Filename', entry.filename]);
  if (entry.expanded !== null) {
    fields.push(['Expanded', `${entry.expanded.size} ${entry.expanded.sha256}`]);
  }
  if (entry.encoderMiB !== null) fields.push(['Encoder-Memory', String(entry.encoderMiB)]);
  const lines = entry.deltas.map(
    ({ oldPackage, oldVersion, size, sha256, memoryMiB, batch, work }) =>
      [
        oldPackage === entry.package ? oldVersion : `${oldPackage}=${oldVersion}`,
        ...[size, sha256, memoryMiB, batch, work.decode, work.compress],
      ].join(' '),
  );
  fields.push(['Deltas', ['', ...lines].join('\n')]);
  return formatStanza(fields);
}

/** Reads an index and checks all of it; `index-malformed`, or `limit-exceeded` when it is endless. */
export function decodeDeltasIndex(text: Uint8Array | string): DeltasIndex {
  const options = { code: 'index-malformed', maxStanzaBytes: LIMITS.indexStanzaBytes } as const;
  const [head, ...entries] = stanzas(text, options);
  if (head === undefined) throw new DebshoalError('index-malformed', 'an empty index');
  const format = required(head, 'Format');
  if (format !== FORMAT) {
    throw new DebshoalError('index-malformed', `format ${format}, we know ${FORMAT}`, {
      hint: 'A newer debshoal may be able to read it.',
    });
  }
  const index: DeltasIndex = {
    suite: required(head, 'Suite'),
    component: required(head, 'Component'),
    architecture: required(head, 'Architecture'),
    announce: (head.get('Announce') ?? '').split(' ').filter((url) => url !== ''),
    batches: rows(head, 'Batches', 3).map(([number, infoHash, name], position) => {
      if (number !== String(position)) fail(head, `batch ${number} at place ${position}`);
      return { name, infoHash };
    }),
    packages: entries.map(decodePackage),
  };
  checkDeltasIndex(index);
  return index;
}

function decodePackage(stanza: Stanza): IndexedPackage {
  const name = required(stanza, 'Package');
  return {
    package: name,
    architecture: required(stanza, 'Architecture'),
    version: required(stanza, 'Version'),
    size: integer(stanza, required(stanza, 'Size')),
    sha256: required(stanza, 'SHA256'),
    infoHash: stanza.get('Info-Hash') ?? null,
    filename: stanza.get('Filename') ?? null,
    expanded: decodeExpanded(stanza),
    encoderMiB: optionalInteger(stanza, 'Encoder-Memory'),
    deltas: rows(stanza, 'Deltas', 7).map(
      ([old, size, sha256, memoryMiB, batch, decode, compress]) => ({
        ...decodeOld(old, name),
        size: integer(stanza, size),
        sha256,
        memoryMiB: integer(stanza, memoryMiB),
        batch: integer(stanza, batch),
        work: { decode: integer(stanza, decode), compress: integer(stanza, compress) },
      }),
    ),
  };
}

/** `VERSION`, or `PACKAGE=VERSION`; neither can have a `=` in it. */
function decodeOld(text: string, packageName: string): { oldPackage: string; oldVersion: string } {
  const end = text.indexOf('=');
  if (end < 0) return { oldPackage: packageName, oldVersion: text };
  return { oldPackage: text.slice(0, end), oldVersion: text.slice(end + 1) };
}

function decodeExpanded(stanza: Stanza): IndexedPackage['expanded'] {
  const text = stanza.get('Expanded');
  if (text === undefined) return null;
  const [size = '', sha256 = '', ...more] = text.split(' ');
  if (more.length > 0) fail(stanza, `Expanded has ${more.length + 2} words`);
  return { size: integer(stanza, size), sha256 };
}

function optionalInteger(stanza: Stanza, name: string): number | null {
  const text = stanza.get(name);
  return text === undefined ? null : integer(stanza, text);
}

function required(stanza: Stanza, name: string): string {
  return stanza.get(name) ?? fail(stanza, `no field ${name}`);
}

interface Rows {
  3: [string, string, string];
  7: [string, string, string, string, string, string, string];
}

/** The lines after the first, empty one, each of `columns` words. */
function rows<N extends keyof Rows>(stanza: Stanza, name: string, columns: N): Rows[N][] {
  const [first, ...lines] = required(stanza, name).split('\n');
  if (first !== '') fail(stanza, `${name} begins on the line after its name`);
  return lines.map((line) => {
    const words = line.split(' ');
    if (words.length !== columns) fail(stanza, `${name} has a line of ${words.length} words`);
    return words as Rows[N];
  });
}

function integer(stanza: Stanza, text: string): number {
  return /^(?:0|[1-9][0-9]{0,15})$/.test(text) ? Number(text) : fail(stanza, `no number: ${text}`);
}

function fail(stanza: Stanza, reason: string): never {
  throw new DebshoalError('index-malformed', `stanza at line ${stanza.line}: ${reason}`);
}
