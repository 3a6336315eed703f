import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';

import { encodeDelta, openDelta, type DeltaContent } from '../../../shared/delta/container.js';
import { memoryNeeded, type DeltaHeader, type Operation } from '../../../shared/delta/delta.js';
import { describeDelta } from '../../../shared/delta/describe-delta.js';
import { compressFrame } from '../../../shared/delta/zstd-frame.js';
import { ByteWriter } from '../../../shared/io/byte-codec.js';
import { LIMITS } from '../../../shared/limits.js';
import { anyDeltaContent } from '../../support/any-delta.js';
import { temporaryFolder } from '../../support/cleanup.js';
import { errorCode } from '../../support/error-code.js';
import { reseal } from '../../support/sample-delta.js';

async function decode(bytes: Uint8Array): Promise<DeltaHeader> {
  const path = join(await temporaryFolder(), 'test.delta');
  await writeFile(path, bytes);
  const delta = await openDelta(path);
  await delta.file.close();
  return delta.header;
}

describe('the container', () => {
  it('decodes to what was encoded, and encodes to the same bytes every time', async () => {
    const path = join(await temporaryFolder(), 'test.delta');
    await fc.assert(
      fc.asyncProperty(anyDeltaContent, async (content) => {
        const bytes = encodeDelta(content);
        expect(encodeDelta(content).equals(bytes)).toBe(true);
        await writeFile(path, bytes);
        const delta = await openDelta(path);
        try {
          expect(delta.header).toEqual(content.header);
          expect(delta.literals).toMatchObject({
            packed: content.literals.packed.length,
            length: content.literals.length,
          });
          expect(delta.patches.length).toBe(Buffer.concat(content.patches).length);
        } finally {
          await delta.file.close();
        }
        const described = await describeDelta(path);
        expect(described.bytes.total).toBe(bytes.length);
      }),
    );
  });
});

describe('attacks on the container', () => {
  const literal: Operation = {
    method: 'literal',
    contentLength: 100,
    source: null,
    openSource: false,
    patchLength: 0,
    gzip: null,
  };
  const zstd: Operation = { ...literal, method: 'zstd', source: 0, patchLength: 5 };
  const source = { member: 'data', place: 0, size: 100, fingerprint: '0123456789abcdef' } as const;

  /** A consistent delta with some of its header replaced; it declares what it needs. */
  function content(changes: Partial<DeltaHeader> = {}, literalLength?: number): DeltaContent {
    const header = {
      package: 'tiny',
      architecture: 'amd64',
      oldVersion: '1',
      newVersion: '2',
      target: { size: 1000, sha256: 'ab'.repeat(32) },
      fileList: '0123456789abcdef',
      parts: [{ kind: 'literal', length: 200 }],
      sources: [source],
      dictionary: { length: 0, parts: [] },
      operations: [literal, zstd],
      ...changes,
    } as const;
    const length =
      literalLength ??
      header.operations
        .filter((operation) => operation.method === 'literal')
        .reduce((sum, operation) => sum + operation.contentLength, 0);
    return {
      header: { memoryBytes: memoryNeeded(header, length), ...header },
      literals: { packed: Buffer.alloc(9), length },
      patches: header.operations.map((operation) => Buffer.alloc(operation.patchLength)),
    };
  }

  const codeOf = (changes: Partial<DeltaHeader>, literalLength?: number) =>
    errorCode(decode(encodeDelta(content(changes, literalLength))));

  it('accepts the delta that the attacks are made from', async () => {
    expect(await codeOf({})).toBe('none');
  });

  it('refuses what is no delta, and every truncation', async () => {
    const bytes = encodeDelta(content());
    expect(await errorCode(decode(Buffer.from('!<arch>\ndebian-binary')))).toBe('delta-damaged');
    for (let length = 0; length < bytes.length; length += 3) {
      expect(await errorCode(decode(bytes.subarray(0, length)))).toBe('delta-damaged');
      const sealed = length > 12 ? reseal(bytes.subarray(0, length)) : bytes.subarray(0, length);
      expect(await errorCode(decode(sealed))).toBe('delta-damaged');
    }
  });

  it('refuses another version before it looks at anything else', async () => {
    const bytes = encodeDelta(content());
    bytes[3] = 1;
    expect(await errorCode(decode(bytes))).toBe('delta-unsupported');
  });

  it('refuses any changed byte by its checksum', async () => {
    const bytes = encodeDelta(content());
    for (let at = 4; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(await errorCode(decode(changed))).toBe('delta-damaged');
    }
  });

  it('refuses bytes after its end', async () => {
    const bytes = Buffer.concat([encodeDelta(content()), Buffer.alloc(1)]);
    expect(await errorCode(decode(reseal(bytes)))).toBe('delta-damaged');
  });

  /** A container whose header is `header`, however wrong that is. */
  function withRawHeader(header: Buffer, declaredLength = header.length): Buffer {
    const packed = compressFrame(header, null);
    const out = new ByteWriter();
    out.bytes(Buffer.from('dSh\0........'));
    for (const length of [packed.length, declaredLength, 0, 0]) out.varint(length);
    out.bytes(packed);
    return reseal(out.finish());
  }

  it('refuses a header that is a bomb', async () => {
    const bomb = Buffer.alloc(LIMITS.deltaHeaderBytes + 1);
    expect(await errorCode(decode(withRawHeader(bomb)))).toBe('delta-damaged');
    expect(await errorCode(decode(withRawHeader(bomb, 1000)))).toBe('delta-damaged');
  });

  it('refuses counts that no data follows', async () => {
    for (const count of [LIMITS.deltaSources, LIMITS.deltaSources + 1, 2 ** 40]) {
      const out = new ByteWriter();
      for (const text of ['tiny', 'amd64', '1', '2']) out.text(text);
      out.varint(1);
      out.bytes(Buffer.alloc(32));
      out.varint(2 ** 28);
      out.bytes(Buffer.alloc(8));
      out.varint(0);
      out.varint(count);
      expect(await errorCode(decode(withRawHeader(out.finish())))).toBe('delta-damaged');
    }
  });

  it.each<[string, Partial<DeltaHeader>]>([
    ['a package name with a path', { package: '../../etc' }],
    ['a version that moves the cursor', { newVersion: '2\u001b[2J' }],
    ['no architecture', { architecture: '' }],
    ['a place that is no control file', { sources: [{ ...source, member: 'control', place: 11 }] }],
    [
      'an operation on a source that is not there',
      { operations: [literal, { ...zstd, source: 1 }] },
    ],
    ['a copy of nothing', { operations: [literal, { ...zstd, method: 'copy', source: null, patchLength: 0 }] }], // prettier-ignore
    ['a patch of no bytes', { operations: [literal, { ...zstd, patchLength: 0 }] }],
    ['an opened source without a source', { operations: [literal, { ...zstd, source: null, openSource: true }] }], // prettier-ignore
    ['a dictionary of a source that is not there', { dictionary: { length: 5, parts: [{ source: 7, openSource: false }] } }], // prettier-ignore
    ['parts longer than the operations', { parts: [{ kind: 'literal', length: 201 }] }],
    ['parts shorter than the operations', { parts: [{ kind: 'literal', length: 199 }] }],
    ['no operations', { operations: [] }],
    ['less memory than it needs', { memoryBytes: 1 << 20 }],
    ['bsdiff of a giant', {
      operations: [{ ...zstd, method: 'bsdiff', contentLength: LIMITS.bsdiffFileBytes + 1 }],
      parts: [{ kind: 'literal', length: LIMITS.bsdiffFileBytes + 1 }],
    }], // prettier-ignore
  ])('refuses %s', async (_what, changes) => {
    expect(await codeOf(changes)).toBe('delta-damaged');
  });

  it('refuses a literal stream of another length than its operations', async () => {
    expect(await codeOf({}, 99)).toBe('delta-damaged');
    expect(await codeOf({}, 101)).toBe('delta-damaged');
  });

  it('refuses gigabytes of memory, honestly declared', async () => {
    const giant = { ...zstd, contentLength: 3 * 2 ** 30 };
    const parts = [{ kind: 'literal', length: giant.contentLength }] as const;
    expect(await codeOf({ operations: [giant], parts })).toBe('limit-exceeded');
  });

  it('refuses an encoder that takes gigabytes', async () => {
    const recipe = {
      kind: 'xz',
      preset: 6,
      extreme: false,
      check: 4,
      blockBytes: 2 ** 39,
    } as const;
    expect(await codeOf({ parts: [{ kind: 'member', length: 200, recipe }] })).toBe(
      'limit-exceeded',
    );
  });

  it('counts what a small .gz may hold as memory', () => {
    const opened = { ...zstd, openSource: true };
    const [plain, more] = [zstd, opened].map((operation) => content({ operations: [operation] }));
    const difference = (more?.header.memoryBytes ?? 0) - (plain?.header.memoryBytes ?? 0);
    expect(difference).toBe(2 * 1032 * source.size);
  });

  describe('of endless work', () => {
    const big = { ...source, size: 100 * 2 ** 20 };
    let operations: Operation[] = [];
    beforeAll(() => {
      operations = Array.from({ length: 10_000 }, () => ({ ...zstd, contentLength: 1, patchLength: 1 })); // prettier-ignore
    });

    it('refuses one large file read by each of many operations', async () => {
      const parts = [{ kind: 'literal', length: operations.length }] as const;
      expect(await codeOf({ operations, parts, sources: [big] })).toBe('limit-exceeded');
    });

    it('refuses one large file read many times for the dictionary', async () => {
      const dictionary = {
        length: 1000,
        parts: operations.map(() => ({ source: 0, openSource: false })),
      };
      expect(await codeOf({ dictionary, sources: [big] })).toBe('limit-exceeded');
    });
  });
});
