import { createReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { DebshoalError } from '../errors.js';
import { readExactly } from '../io/files.js';
import { hashFile, type Sha256 } from '../io/hash.js';
import { LIMITS } from '../limits.js';
import { readArMembers, type ArMember } from './ar.js';
import { decompress, type Compression } from './compression.js';
import { parseControl, type ControlData } from './control.js';
import { listedPath, walkTar } from './tar.js';

/*
 * A .deb with its compressed members expanded, as one flat file, the image:
 *
 *   .deb    magic+header │ 2.0 │ header │ control.tar.xz │ header │ data.tar.xz
 *   image   └────────── literal ───────┘  control.tar     literal   data.tar
 *
 * Deltas are made from image to image; the parts say how to fold an image into the .deb again.
 */

/** A stretch of the .deb, in order and without gaps. */
export type DebPart = { readonly kind: 'literal'; readonly length: number } | DebTar;

export interface DebTar {
  readonly kind: 'member';
  readonly name: 'control' | 'data';
  readonly compression: Compression;
  /** Where the compressed bytes are in the .deb. */
  readonly packedOffset: number;
  readonly packedLength: number;
  /** Where the tar is in the image. */
  readonly imageOffset: number;
  readonly length: number;
}

export interface DebFile {
  readonly member: 'control' | 'data';
  /** For data as in dpkg's lists (`/usr/bin/git`), for control the bare name (`postinst`). */
  readonly path: string;
  readonly offset: number;
  readonly size: number;
}

export interface ExpandedDeb {
  readonly path: string;
  readonly size: number;
  readonly sha256: Sha256;
  readonly control: ControlData;
  readonly parts: readonly DebPart[];
  readonly imagePath: string;
  readonly imageSize: number;
  /** Regular files with their place in the image, in its order. */
  readonly files: readonly DebFile[];
  /** All paths of data.tar as dpkg lists them, each once, in the order of their bytes. */
  readonly listedPaths: readonly string[];
  /** Targets of symbolic links by listed path, one character a byte. */
  readonly links: ReadonlyMap<string, string>;
}

const MEMBER_NAME = /^(control|data)\.tar(?:\.(xz|gz|zst))?$/;

/** Expands a .deb into `imagePath`. `deb-malformed` or `limit-exceeded` when it cannot be. */
export async function expandDeb(path: string, imagePath: string): Promise<ExpandedDeb> {
  const { sha256, size } = await hashFile(path);
  if (size > LIMITS.debBytes) {
    throw new DebshoalError('limit-exceeded', `${path} has ${size} bytes`);
  }
  const deb = await open(path, 'r');
  try {
    const members = await readArMembers(deb, size);
    checkMembers(members);
    const parts = await writeImage(path, size, members, imagePath);
    return { path, size, sha256, parts, imagePath, ...(await readImage(imagePath, parts)) };
  } finally {
    await deb.close();
  }
}

/** deb(5): `debian-binary` first, then control.tar and data.tar, each once. */
function checkMembers(members: readonly ArMember[]): void {
  const tars = members.map((member) => MEMBER_NAME.exec(member.name)?.[1]).filter(Boolean);
  if (members[0]?.name !== 'debian-binary' || tars.join() !== 'control,data') {
    const names = members.map((member) => member.name).join(', ');
    throw new DebshoalError('deb-malformed', `not a Debian package: members are ${names}`);
  }
}

/** One of the two tars that every .deb has. */
export function findTar(parts: readonly DebPart[], name: DebTar['name']): DebTar {
  for (const part of parts) if (part.kind === 'member' && part.name === name) return part;
  throw new Error(`checkMembers saw ${name}.tar`);
}

async function writeImage(
  path: string,
  size: number,
  members: readonly ArMember[],
  imagePath: string,
): Promise<DebPart[]> {
  const parts: DebPart[] = [];
  async function* image(): AsyncGenerator<Uint8Array> {
    let at = 0;
    let imageOffset = 0;
    const slice = (start: number, end: number): AsyncIterable<Buffer> =>
      start === end ? Readable.from([]) : createReadStream(path, { start, end: end - 1 });
    for (const member of members) {
      const match = MEMBER_NAME.exec(member.name);
      if (match === null) continue;
      yield* slice(at, member.offset);
      parts.push({ kind: 'literal', length: member.offset - at });
      imageOffset += member.offset - at;
      at = member.offset + member.size;

      const compression = (match[2] ?? 'none') as Compression;
      const limit = match[1] === 'control' ? LIMITS.controlTarBytes : LIMITS.dataTarBytes;
      let length = 0;
      for await (const chunk of decompress(compression, slice(member.offset, at), limit)) {
        length += chunk.length;
        yield chunk;
      }
      parts.push({
        kind: 'member',
        name: match[1] === 'control' ? 'control' : 'data',
        compression,
        packedOffset: member.offset,
        packedLength: member.size,
        imageOffset,
        length,
      });
      imageOffset += length;
    }
    // Padding after the last member, and members after data.tar, such as signatures.
    yield* slice(at, size);
    if (size > at) parts.push({ kind: 'literal', length: size - at });
  }
  // Opened first: a pipeline that fails early would create the file when its folder is being removed.
  const file = await open(imagePath, 'wx');
  await pipeline(image(), file.createWriteStream());
  return parts;
}

async function readImage(
  imagePath: string,
  parts: readonly DebPart[],
): Promise<Pick<ExpandedDeb, 'control' | 'imageSize' | 'files' | 'listedPaths' | 'links'>> {
  const image = await open(imagePath, 'r');
  try {
    const [controlTar, dataTar] = [findTar(parts, 'control'), findTar(parts, 'data')];
    const files: DebFile[] = [];
    const listed = new Set<string>();
    const links = new Map<string, string>();
    const decodePath = (path: string): string => Buffer.from(path, 'latin1').toString('utf8');
    for await (const entry of walkTar(image, controlTar.imageOffset, controlTar.length)) {
      const path = listedPath(entry.path).slice(1);
      if (entry.type === 'file') {
        files.push({ member: 'control', path, offset: entry.offset, size: entry.size });
      }
    }
    for await (const entry of walkTar(image, dataTar.imageOffset, dataTar.length)) {
      const path = listedPath(entry.path);
      if (path !== '') listed.add(path);
      if (entry.type === 'symlink') links.set(decodePath(path), entry.link);
      if (entry.type === 'file') {
        const { offset, size } = entry;
        files.push({ member: 'data', path: decodePath(path), offset, size });
      }
    }
    return {
      control: await readControl(image, files),
      imageSize: (await image.stat()).size,
      files,
      links,
      // By bytes, before decoding, as the client sorts dpkg's list: code units have another order.
      listedPaths: [...new Set([...listed].sort().map(decodePath))],
    };
  } finally {
    await image.close();
  }
}

async function readControl(image: FileHandle, files: readonly DebFile[]): Promise<ControlData> {
  const control = files.find((file) => file.member === 'control' && file.path === 'control');
  if (!control || control.size > LIMITS.controlStanzaBytes) {
    throw new DebshoalError('deb-malformed', 'not a Debian package: no usable control file');
  }
  return parseControl((await readExactly(image, control.offset, control.size)).toString('utf8'));
}
