import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  encodeDelta,
  openDelta,
  readDeltaHeader,
  type OpenDelta,
} from '../../../shared/delta/container.js';
import type { DeltaHeader, TargetPart } from '../../../shared/delta/delta.js';
import { LIMITS } from '../../../shared/limits.js';
import { packStreams } from '../../../shared/streams/pack-streams.js';
import { anyDeltaContent } from '../../support/any-delta.js';
import { temporaryFolder } from '../../support/cleanup.js';
import { errorCode } from '../../support/error-code.js';
import { reseal } from '../../support/sample-delta.js';

async function decode(bytes: Uint8Array): Promise<OpenDelta> {
  const path = join(await temporaryFolder(), 'test.delta');
  await writeFile(path, bytes);
  return openDelta(path);
}

describe('the container', () => {
  it('decodes to what was encoded, and encodes to the same bytes every time', async () => {
    const path = join(await temporaryFolder(), 'test.delta');
    await fc.assert(
      fc.asyncProperty(anyDeltaContent, async (content) => {
        const bytes = await encodeDelta(content);
        expect((await encodeDelta(content)).equals(bytes)).toBe(true);
        await writeFile(path, bytes);
        const { header, streams, size } = await openDelta(path);
        expect(header).toEqual(content.header);
        expect(streams).toEqual(content.streams);
        expect(size).toBe(bytes.length);
        expect(await readDeltaHeader(path)).toEqual({ header, size });
      }),
      { numRuns: 50 },
    );
  });
});

describe('attacks on the container', () => {
  const member = { kind: 'member', length: 10_240, recipe: { kind: 'stored' } } as const;
  const parts: readonly TargetPart[] = [
    { kind: 'literal', length: 132 },
    { ...member, name: 'control', packedLength: 10_240 },
    { kind: 'literal', length: 60 },
    { ...member, name: 'data', packedLength: 10_240 },
  ];

  function encode(changes: Partial<DeltaHeader> = {}): Promise<Buffer> {
    const header = {
      package: 'tiny',
      oldPackage: 'tiny',
      architecture: 'amd64',
      oldVersion: '1',
      newVersion: '2',
      target: { size: 132 + 60 + 2 * 10_240, sha256: 'ab'.repeat(32) },
      expanded: { size: 132 + 60 + 2 * 10_240, sha256: 'cd'.repeat(32) },
      memoryBytes: 2 ** 28,
      oldIdentity: '0123456789abcdef',
      oldControlFiles: new Set([0]),
      timestamp: 1_700_000_000,
      parts,
      ...changes,
    };
    return encodeDelta({ header, streams: new Map([['plain-extra', Buffer.alloc(100, 1)]]) });
  }

  const codeOf = async (changes: Partial<DeltaHeader>) => errorCode(decode(await encode(changes)));

  it('accepts the delta that the attacks are made from', async () => {
    expect(await codeOf({})).toBe('none');
  });

  it('refuses what is no delta, and what is cut off', async () => {
    const bytes = await encode();
    expect(await errorCode(decode(Buffer.from('!<arch>\ndebian-binary')))).toBe('delta-damaged');
    for (let length = 0; length < bytes.length; length += 3) {
      expect(await errorCode(decode(bytes.subarray(0, length)))).toBe('delta-damaged');
      if (length <= 12) continue;
      // A range coder reads on behind its end: then it is another delta, for the target's hash.
      const code = await errorCode(decode(reseal(bytes.subarray(0, length))));
      expect(['delta-damaged', 'delta-unsupported', 'limit-exceeded', 'none']).toContain(code);
    }
  });

  it('refuses another version before it looks at anything else', async () => {
    for (const version of [0, 2, 255]) {
      const bytes = await encode();
      bytes[3] = version;
      expect(await errorCode(decode(bytes))).toBe('delta-unsupported');
    }
  });

  it('refuses any changed byte by its checksum', async () => {
    const bytes = await encode();
    for (let at = 4; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(await errorCode(decode(changed))).toBe('delta-damaged');
    }
  });

  it('refuses a delta without a header', async () => {
    const body = await packStreams([{ name: 'plain-extra', bytes: Buffer.alloc(9) }]);
    const preamble = Buffer.from('dSh\x01........', 'latin1');
    expect(await errorCode(decode(reseal(Buffer.concat([preamble, body]))))).toBe('delta-damaged');
  });

  it.each<[string, Partial<DeltaHeader>]>([
    ['a package name with a path', { package: '../../etc' }],
    ['an old package with a path', { oldPackage: '../../etc' }],
    ['a version that moves the cursor', { newVersion: '2\u001b[2J' }],
    ['an architecture with a blank', { architecture: 'amd 64' }],
    ['no members', { parts: [], target: { size: 0, sha256: 'ab'.repeat(32) } }],
    ['the members in another order', { parts: parts.toReversed() }],
    ['a member twice', { parts: [...parts, ...parts.slice(3)] }],
    ['parts of another length than the target', { parts: parts.slice(1) }],
  ])('refuses %s', async (_what, changes) => {
    expect(await codeOf(changes)).toBe('delta-damaged');
  });

  it('refuses streams that are larger than the memory it declares', async () => {
    expect(await codeOf({ memoryBytes: 0 })).toBe('delta-damaged');
  });

  it('refuses an encoder that takes gigabytes, declared or not', async () => {
    const recipe = {
      kind: 'xz',
      preset: 6,
      extreme: false,
      check: 4,
      blockBytes: 2 ** 39,
    } as const;
    const giant = parts.map((part) => (part.kind === 'member' ? { ...part, recipe } : part));
    expect(await codeOf({ parts: giant })).toBe('delta-damaged');
    expect(await codeOf({ parts: giant, memoryBytes: 2 ** 41 })).toBe('limit-exceeded');
  });

  it('refuses gigabytes of memory, honestly declared', async () => {
    expect(await codeOf({ memoryBytes: LIMITS.applyMemoryBytes + 2 ** 20 })).toBe('limit-exceeded');
  });
});
