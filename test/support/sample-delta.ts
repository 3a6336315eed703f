import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { diffDebs } from '../../generator/diff/diff-debs.js';
import { encodeBlocks } from '../../shared/streams/block.js';
import { numberOfStream, type StreamName } from '../../shared/streams/stream-names.js';
import { unpackStreams } from '../../shared/streams/unpack-streams.js';
import { noise } from './chunks.js';
import { makeTinyDeb, type TinyDeb } from './tiny-deb.js';

/** A small pair whose delta has something of everything; `.deb`s without compression are quick. */
export const SAMPLE_OLD: TinyDeb = sample(1);
const SAMPLE_NEW: TinyDeb = sample(2);

function sample(version: number): TinyDeb {
  const program = noise(90_000, 7);
  const library = noise(70_000, 8);
  // Numbers that all grew by one, as addresses do, give residuals; a moved half gives steps.
  if (version === 2)
    for (let i = 0; i < program.length; i += 12) program[i] = (program[i] ?? 0) + 1;
  const moved = [library.subarray(40_000), noise(50, 9), library.subarray(0, 40_000)];
  const text = `version ${version}\n${noise(3000, 5).toString('hex')}`;
  return {
    version: `${version}`,
    recipe: { kind: 'stored' },
    control: { conffiles: '/etc/tiny.conf\n', postinst: '#!/bin/sh\nexit 0\n' },
    entries: [
      { path: 'etc/tiny.conf', content: `setting ${version}\n` },
      { path: 'usr/bin/program', content: program },
      { path: 'usr/lib/library', content: version === 2 ? Buffer.concat(moved) : library },
      { path: `usr/lib/libsame.so.${version}`, content: noise(5000, 6) },
      { path: 'usr/share/text', content: text },
      { path: 'usr/share/text.gz', content: gnuGzip(text) },
      ...(version === 2 ? [{ path: 'usr/share/new', content: noise(70_000, 4) }] : []),
      { path: 'usr/share/link', type: '2', link: 'text' },
    ],
  };
}

function gnuGzip(text: string): Buffer {
  return execFileSync('gzip', ['-9n'], { input: text });
}

export interface SampleDelta {
  readonly oldPath: string;
  readonly newPath: string;
  readonly path: string;
  readonly bytes: Buffer;
}

/** Writes both .debs and their delta below `folder`. */
export async function makeSampleDelta(
  folder: string,
  pair: readonly [TinyDeb, TinyDeb] = [SAMPLE_OLD, SAMPLE_NEW],
): Promise<SampleDelta> {
  await mkdir(folder, { recursive: true });
  const [oldPath, newPath] = [join(folder, 'old.deb'), join(folder, 'new.deb')];
  await writeFile(oldPath, await makeTinyDeb(pair[0]));
  await writeFile(newPath, await makeTinyDeb(pair[1]));
  const path = join(folder, 'sample.delta');
  await diffDebs(oldPath, newPath, path, { temporaryParent: folder });
  return { oldPath, newPath, path, bytes: await readFile(path) };
}

const CHECKSUM_OFFSET = 4;
const BODY_OFFSET = 12;

/** The delta with a checksum that fits again: what an attacker would send. */
export function reseal(delta: Buffer): Buffer {
  const sum = createHash('sha256').update(delta.subarray(BODY_OFFSET)).digest().subarray(0, 8);
  return Buffer.concat([delta.subarray(0, CHECKSUM_OFFSET), sum, delta.subarray(BODY_OFFSET)]);
}

/** The delta with one of its expanded streams changed by `change`, everything else in order. */
export async function withStream(
  delta: Buffer,
  changed: StreamName,
  change: (bytes: Buffer) => Buffer,
): Promise<Buffer> {
  const streams = await unpackStreams(delta.subarray(BODY_OFFSET), { expandedBytes: 1 << 28 });
  streams.set(changed, change(streams.get(changed) ?? Buffer.alloc(0)));
  // Not packed, which would take longer than all the rest of an attack.
  const blocks = [...streams]
    .map(([name, bytes]) => ({ number: numberOfStream(name), bytes }))
    .filter(({ bytes }) => bytes.length > 0)
    .sort((a, b) => a.number - b.number)
    .map(({ number, bytes }) => ({
      coder: 'stored' as const,
      streams: [{ number, length: bytes.length }],
      packed: bytes,
    }));
  const body = encodeBlocks(blocks);
  return reseal(Buffer.concat([delta.subarray(0, BODY_OFFSET), body]));
}
