import { createWriteStream } from 'node:fs';
import { chmod, link, mkdir, rm, symlink, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract, type Extract, type Header } from 'tar-stream';

/** `./usr/bin/x` or `usr/bin/` of a data.tar as dpkg lists it: `/usr/bin/x`; the root is `/.`. */
function listedPath(name: string): string {
  const names = name.split('/').filter((part) => part !== '' && part !== '.');
  if (names.includes('..')) throw new Error(`a data.tar with '..': ${name}`);
  return names.length === 0 ? '/.' : `/${names.join('/')}`;
}

/** A failure also ends the loop over the entries, which reports it first. */
function feed(tar: Readable, entries: Extract): Promise<void> {
  const done = pipeline(tar, entries);
  done.catch(() => undefined);
  return done;
}

/**
 * Extracts a decompressed data.tar below `folder` like dpkg does, except for owners and devices:
 * files, folders, symbolic and hard links with modes and times. The paths in the tar's order.
 */
export async function extractDataTar(data: Readable, folder: string): Promise<string[]> {
  const listed: string[] = [];
  const entries = extract();
  const done = feed(data, entries);
  for await (const entry of entries) {
    const path = listedPath(entry.header.name);
    listed.push(path);
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true });
    if (entry.header.type === 'file') {
      await rm(target, { force: true });
      await pipeline(entry, createWriteStream(target));
      await chmod(target, entry.header.mode & 0o777);
      await utimes(target, entry.header.mtime, entry.header.mtime);
    } else {
      await makeOther(entry.header, target, folder);
      entry.resume();
    }
  }
  await done;
  // Every .deb has at least the entry of the root folder: this stream was lost on its way.
  if (listed.length === 0) throw new Error('a data.tar without entries');
  return listed;
}

async function makeOther(header: Header, target: string, folder: string): Promise<void> {
  if (header.type === 'directory') {
    // Also where a link such as /lib stands for it, as on every merged-/usr system.
    await mkdir(target, { recursive: true });
    return;
  }
  await rm(target, { force: true });
  if (header.type === 'symlink') await symlink(header.linkname, target);
  else if (header.type === 'link') await link(join(folder, listedPath(header.linkname)), target);
  else throw new Error(`a data.tar with a ${header.type}: ${header.name}`);
}

/** The members of a decompressed control.tar: name → content. */
export async function readControlTar(control: Readable): Promise<Map<string, Buffer>> {
  const members = new Map<string, Buffer>();
  const entries = extract();
  const done = feed(control, entries);
  for await (const entry of entries) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    if (entry.header.type === 'file') {
      members.set(listedPath(entry.header.name).slice(1), Buffer.concat(chunks));
    }
  }
  await done;
  return members;
}
