import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';

import { compress } from '../../shared/deb/compression.js';
import type { Recipe } from '../../shared/deb/recipe.js';

/** A .deb writer for tests: the shapes that dpkg-deb writes, and those that attackers do. */

export interface TinyEntry {
  /** Without the leading `./`; bytes where it is not UTF-8. */
  readonly path: string | Buffer;
  readonly content?: Buffer | string;
  /** tar's type flag: `0` file (default), `1` hard link, `2` symbolic link, `5` folder. */
  readonly type?: string;
  readonly link?: string;
}

export interface TinyDeb {
  readonly package?: string;
  readonly version?: string;
  readonly architecture?: string;
  readonly entries?: readonly TinyEntry[];
  /** Files of control.tar besides `control` and `md5sums`. */
  readonly control?: Readonly<Record<string, string>>;
  readonly recipe?: Recipe;
  /** Whether it has md5sums, as nearly all have; true by default. */
  readonly hasSums?: boolean;
}

const XZ_6: Recipe = { kind: 'xz', preset: 6, extreme: false, check: 4, blockBytes: 24 << 20 };

export async function makeTinyDeb(deb: TinyDeb = {}): Promise<Buffer> {
  const { entries = [], recipe = XZ_6, hasSums = true } = deb;
  const files = entries.filter((entry) => (entry.type ?? '0') === '0');
  const md5sums = files.map(({ path, content = '' }) => {
    const sum = createHash('md5').update(content).digest('hex');
    return Buffer.concat([Buffer.from(`${sum}  `), Buffer.from(path), Buffer.from('\n')]);
  });
  const control = makeTar([
    { path: 'control', content: controlOf(deb) },
    ...(hasSums ? [{ path: 'md5sums', content: Buffer.concat(md5sums) }] : []),
    ...Object.entries(deb.control ?? {}).map(([path, content]) => ({ path, content })),
  ]);
  const extension = { stored: '', xz: '.xz', gzip: '.gz', zstd: '.zst' }[recipe.kind];
  return makeAr([
    { name: 'debian-binary', content: Buffer.from('2.0\n') },
    { name: `control.tar${extension}`, content: await pack(control, recipe) },
    { name: `data.tar${extension}`, content: await pack(makeTar(entries), recipe) },
  ]);
}

function controlOf({ package: name = 'tiny', version = '1', architecture = 'amd64' }: TinyDeb) {
  return [
    `Package: ${name}`,
    `Version: ${version}`,
    `Architecture: ${architecture}`,
    'Maintainer: Nobody <nobody@example.org>',
    'Description: for tests',
    '',
  ].join('\n');
}

async function pack(tar: Buffer, recipe: Recipe): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of compress(recipe, once(tar))) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield await Promise.resolve(bytes);
}

export interface ArEntry {
  readonly name: string;
  readonly content: Buffer;
  /** Instead of the content's length. */
  readonly size?: string;
}

export function makeAr(entries: readonly ArEntry[]): Buffer {
  const parts: Buffer[] = [Buffer.from('!<arch>\n')];
  for (const { name, content, size = String(content.length) } of entries) {
    const header = `${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}${size.padEnd(10)}\`\n`;
    parts.push(Buffer.from(header), content);
    if (content.length % 2 === 1) parts.push(Buffer.from('\n'));
  }
  return Buffer.concat(parts);
}

/** A GNU tar as dpkg-deb writes it: long names with an `L` entry, folders before their files. */
export function makeTar(entries: readonly TinyEntry[]): Buffer {
  const parts: Buffer[] = [tarHeader(Buffer.from('./'), { type: '5' })];
  for (const { path, content = '', type = '0', link = '' } of entries) {
    const folder = type === '5' ? '/' : '';
    const name = Buffer.concat([Buffer.from('./'), Buffer.from(path), Buffer.from(folder)]);
    if (name.length > 100) parts.push(...longName(name));
    const body = type === '0' ? Buffer.from(content) : Buffer.alloc(0);
    parts.push(tarHeader(name, { type, link, size: body.length }), padded(body));
  }
  parts.push(Buffer.alloc(1024));
  const tar = Buffer.concat(parts);
  return Buffer.concat([tar, Buffer.alloc((10240 - (tar.length % 10240)) % 10240)]);
}

function longName(name: Buffer): Buffer[] {
  const body = Buffer.concat([name, Buffer.alloc(1)]);
  return [tarHeader(Buffer.from('././@LongLink'), { type: 'L', size: body.length }), padded(body)];
}

function padded(body: Buffer): Buffer {
  return Buffer.concat([body, Buffer.alloc((512 - (body.length % 512)) % 512)]);
}

export interface TarHeaderFields {
  readonly type?: string;
  readonly size?: number;
  readonly link?: string;
  /** The size field as it is written; octal digits by default. */
  readonly sizeField?: Buffer;
}

export function tarHeader(name: Buffer, fields: TarHeaderFields = {}): Buffer {
  const { type = '0', size = 0, link = '', sizeField } = fields;
  const header = Buffer.alloc(512);
  name.copy(header, 0, 0, 100);
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  sizeField?.copy(header, 124);
  header.write('00000000000\0', 136);
  header.write('        ', 148);
  header.write(type, 156);
  header.write(link, 157, 100);
  header.write('ustar  \0', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

/** A .gz as Node's zlib writes it, which neither gzip nor canonical zlib reproduces. */
export function foreignGzip(content: Buffer): Buffer {
  return gzipSync(content, { level: 7, memLevel: 3, strategy: 2 });
}
