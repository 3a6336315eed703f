import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';

import { REFUSALS } from '../../../bench/fuzz/outcome.js';
import type { DebForm } from '../../../shared/deb/deb-forms.js';
import { encodeDelta, openDelta } from '../../../shared/delta/container.js';
import type { FileIdentity } from '../../../shared/delta/delta.js';
import { openOldDeb } from '../../../shared/delta/old-deb.js';
import type { OldPackage } from '../../../shared/delta/old-package.js';
import { rebuildDeb } from '../../../shared/delta/rebuild.js';
import type { ErrorCode } from '../../../shared/errors.js';
import { ByteWriter } from '../../../shared/io/byte-codec.js';
import type { StreamName } from '../../../shared/streams/stream-names.js';
import { temporaryFolder } from '../../support/cleanup.js';
import { errorCode } from '../../support/error-code.js';
import {
  makeSampleDelta,
  reseal,
  SAMPLE_OLD,
  withStream,
  type SampleDelta,
} from '../../support/sample-delta.js';
import { makeTinyDeb, type TinyDeb } from '../../support/tiny-deb.js';

let sample: SampleDelta;

// Not temporaryFolder(): that one goes after each test.
beforeAll(async () => {
  const workshop = await mkdtemp(join(tmpdir(), 'debshoal-test-'));
  sample = await makeSampleDelta(workshop);
  return () => rm(workshop, { recursive: true });
});

async function openOld(folder: string, path = sample.oldPath) {
  return openOldDeb(path, join(folder, 'old-image'));
}

/** Rebuilds from `delta`, wherever that leads; returns the code, or `none` when it is exact. */
async function rebuildFrom(
  delta: Uint8Array,
  folder: string,
  old: OldPackage,
): Promise<ErrorCode | 'none' | 'wrong bytes'> {
  const path = join(folder, 'hostile.delta');
  const target = join(folder, 'rebuilt.deb');
  await writeFile(path, delta);
  const code = await errorCode(rebuildDeb(path, old, target, { temporaryParent: folder }));
  if (code !== 'none') return code;
  return (await readFile(target)).equals(await readFile(sample.newPath)) ? 'none' : 'wrong bytes';
}

describe('rebuilding', () => {
  it('uses streams of all kinds and gives the exact .deb', async () => {
    const folder = await temporaryFolder();
    const { streams } = await openDelta(sample.path);
    const used = [...streams.keys()];
    expect(used).toEqual(expect.arrayContaining(['segments', 'match-lengths', 'match-steps']));
    expect(used).toEqual(expect.arrayContaining(['plain-gaps', 'plain-values', 'plain-extra']));
    const old = await openOld(folder);
    expect(await rebuildFrom(sample.bytes, folder, old)).toBe('none');
    await old.close();
  });

  it.each(['exact', 'expanded'] as const)('says what took its time: %s', async (form) => {
    const folder = await temporaryFolder();
    const old = await openOld(folder);
    const options = { form, temporaryParent: folder };
    const { seconds } = await rebuildDeb(sample.path, old, join(folder, 'new.deb'), options);
    await old.close();
    const { total, ...phases } = seconds;
    for (const phase of Object.values(phases)) expect(phase).toBeGreaterThanOrEqual(0);
    expect(Object.values(phases).reduce((sum, phase) => sum + phase, 0)).toBeCloseTo(total, 6);
    expect(phases.compress > 0).toBe(form === 'exact');
  });

  it('leaves nothing behind, whether it succeeds or fails', async () => {
    const folder = await temporaryFolder();
    const old = await openOld(folder);
    await rebuildFrom(sample.bytes, folder, old);
    const changed = await withStream(sample.bytes, 'header', (header) => {
      // The target's hash stands behind name, architecture, versions and size.
      header[30] = (header[30] ?? 0) ^ 1;
      return header;
    });
    expect(await rebuildFrom(changed, folder, old)).toBe('hash-mismatch');
    await old.close();
    const left = await readdir(folder);
    expect(left.sort()).toEqual(['hostile.delta', 'old-image', 'rebuilt.deb']);
  });

  it('keeps what the target was before, when it fails', async () => {
    const folder = await temporaryFolder();
    const target = join(folder, 'rebuilt.deb');
    await writeFile(target, 'before');
    const old = await openOld(folder, sample.newPath);
    const code = await errorCode(rebuildDeb(sample.path, old, target));
    await old.close();
    expect(code).toBe('not-installed');
    expect(await readFile(target, 'utf8')).toBe('before');
  });

  it('ends with `interrupted` at an abort, and leaves nothing', async () => {
    const folder = await temporaryFolder();
    const old = await openOld(folder);
    const target = join(folder, 'rebuilt.deb');
    for (const wait of [0, 1, 5, 20]) {
      const signal = AbortSignal.timeout(wait);
      const result = rebuildDeb(sample.path, old, target, { signal, temporaryParent: folder });
      await result.catch((error: unknown) => {
        expect(error).toMatchObject({ name: 'AbortError' });
      });
    }
    await old.close();
    const left = (await readdir(folder)).filter((name) => name !== 'rebuilt.deb');
    expect(left).toEqual(['old-image']);
  });
});

describe('the expanded form', () => {
  it('is the one of the header and, where nothing is packed, the exact one', async () => {
    const folder = await temporaryFolder();
    const old = await openOld(folder);
    const target = join(folder, 'expanded.deb');
    await rebuildDeb(sample.path, old, target, { form: 'expanded' });
    await old.close();
    expect((await readFile(target)).equals(await readFile(sample.newPath))).toBe(true);
  });

  it('is refused before any work when it is not what the index says', async () => {
    const folder = await temporaryFolder();
    const old = await openOld(folder);
    const { header } = await openDelta(sample.path);
    const code = (expected: FileIdentity, form: DebForm) =>
      errorCode(rebuildDeb(sample.path, old, join(folder, 'out.deb'), { form, expected }));
    const other = { ...header.expanded, sha256: '00'.repeat(32) };
    expect(await code(header.expanded, 'expanded')).toBe('none');
    expect(await code(other, 'expanded')).toBe('index-mismatch');
    expect(await code({ ...header.expanded, size: 1 }, 'expanded')).toBe('index-mismatch');
    expect(await code(other, 'exact')).toBe('index-mismatch');
    await old.close();
  });
});

describe('an old package that is not the published one', () => {
  async function codeWith(change: (deb: TinyDeb) => TinyDeb): Promise<string> {
    const folder = await temporaryFolder();
    const path = join(folder, 'changed.deb');
    await writeFile(path, await makeTinyDeb(change(SAMPLE_OLD)));
    const old = await openOld(folder, path);
    const code = await rebuildFrom(sample.bytes, folder, old);
    await old.close();
    return code;
  }

  const withContent = (path: string, content: string) => (deb: TinyDeb) => ({
    ...deb,
    entries:
      deb.entries?.map((entry) => (entry.path === path ? { ...entry, content } : entry)) ?? [],
  });

  it('another version or name is not-installed', async () => {
    expect(await codeWith((deb) => ({ ...deb, version: '1.1' }))).toBe('not-installed');
    expect(await codeWith((deb) => ({ ...deb, package: 'other' }))).toBe('not-installed');
  });

  it('a source file of other content or size is source-changed', async () => {
    expect(await codeWith(withContent('usr/bin/program', 'short'))).toBe('source-changed');
    expect(await codeWith(withContent('usr/share/text.gz', 'text'))).toBe('source-changed');
  });

  it('another list of files is source-changed', async () => {
    const more = (deb: TinyDeb): TinyDeb => ({
      ...deb,
      entries: [...(deb.entries ?? []), { path: 'usr/share/more' }],
    });
    expect(await codeWith(more)).toBe('source-changed');
  });

  it('an edited conffile does not matter', async () => {
    const folder = await temporaryFolder();
    const original = await openOld(folder);
    const edited: OldPackage = {
      ...original,
      read: async (file, size) => {
        const isConffile = original.describe(file).includes('/etc/tiny.conf');
        return isConffile ? null : original.read(file, size);
      },
    };
    expect(await rebuildFrom(sample.bytes, folder, edited)).toBe('none');
    await original.close();
  });
});

describe('hostile deltas', () => {
  // A changed recipe may be one that its encoder refuses.
  const refusals: readonly string[] = [...REFUSALS, 'tool-failed' satisfies ErrorCode];

  /** A longer loop: DEBSHOAL_FUZZ_RUNS=100000. A failure prints the seed and path to repeat it. */
  const numRuns = Number(process.env['DEBSHOAL_FUZZ_RUNS'] ?? 40);
  const timeout = 60_000 + numRuns * 50;

  const edits = fc.array(
    fc.record({
      at: fc.nat(),
      kind: fc.nat(3),
      byte: fc.nat(255),
      length: fc.integer({ min: 1, max: 9 }),
    }),
    { minLength: 1, maxLength: 4 },
  );

  function edit(
    bytes: Buffer,
    changes: readonly { at: number; kind: number; byte: number; length: number }[],
  ): Buffer {
    let result = Buffer.from(bytes);
    for (const { at, kind, byte, length } of changes) {
      const place = at % Math.max(1, result.length);
      const [before, after] = [result.subarray(0, place), result.subarray(place)];
      if (kind === 0) result.subarray(place, place + 1).fill(byte);
      else if (kind === 1) result = Buffer.concat([before, after.subarray(length)]);
      else if (kind === 2) result = Buffer.concat([before, Buffer.alloc(length, byte), after]);
      else result.subarray(place, place + length).fill(byte);
    }
    return result;
  }

  async function attack(
    mutate: (changes: Parameters<typeof edit>[1]) => Buffer | Promise<Buffer>,
  ): Promise<void> {
    const folder = await temporaryFolder();
    const old = await openOld(folder);
    try {
      await fc.assert(
        fc.asyncProperty(edits, async (changes) => {
          const outcome = await rebuildFrom(await mutate(changes), folder, old).catch(
            (error: unknown) => error,
          );
          if (outcome !== 'none') expect(refusals).toContain(outcome);
        }),
        { numRuns },
      );
    } finally {
      await old.close();
    }
    expect((await readdir(folder)).filter((name) => name.startsWith('.debshoal'))).toEqual([]);
    expect(process.resourceUsage().maxRSS).toBeLessThan(4 * 2 ** 20);
  }

  it('with a file of gigabytes are refused before memory is taken for it', async () => {
    const folder = await temporaryFolder();
    const { header, streams } = await openDelta(sample.path);
    const varint = (value: number): Buffer => {
      const out = new ByteWriter();
      out.varint(value);
      return out.finish();
    };
    // That of usr/share/new.
    const sizes = streams.get('tar-sizes') ?? Buffer.alloc(0);
    const at = sizes.indexOf(varint(70_000));
    expect(at).toBeGreaterThanOrEqual(0);
    const tail = sizes.subarray(at + varint(70_000).length);
    const large = Buffer.concat([sizes.subarray(0, at), varint(5 * 2 ** 30), tail]);
    const parts = header.parts.map((part) =>
      part.kind === 'member' && part.name === 'data' ? { ...part, length: 6 * 2 ** 30 } : part,
    );
    const hostile = await encodeDelta({
      header: { ...header, parts },
      streams: new Map(streams).set('tar-sizes', large),
    });
    const old = await openOld(folder);
    expect(await rebuildFrom(hostile, folder, old)).toBe('limit-exceeded');
    await old.close();
  });

  it('with a changed body and a checksum that fits are refused or exact', { timeout }, () =>
    attack((changes) => {
      const body = edit(sample.bytes.subarray(12), changes);
      return reseal(Buffer.concat([sample.bytes.subarray(0, 12), body]));
    }),
  );

  const STREAMS: readonly StreamName[] = [
    'header',
    'segments',
    'match-gaps',
    'match-lengths',
    'match-steps',
    'plain-gaps',
    'plain-values',
    'plain-extra',
    'tar-numbers',
    'tar-sizes',
    'tar-origins',
    'fold-counts',
    'fold-lengths',
    'fold-recipes',
    'fold-table',
    'elf-pairs',
  ];

  it.each(STREAMS)('with another %s in good order are refused or exact', { timeout }, (name) =>
    attack((changes) => withStream(sample.bytes, name, (bytes) => edit(bytes, changes))),
  );

  it('with changed bytes anywhere are refused by the checksum', async () => {
    const folder = await temporaryFolder();
    const old = await openOld(folder);
    for (let at = 4; at < sample.bytes.length; at += 997) {
      const changed = Buffer.from(sample.bytes);
      changed[at] = (changed[at] ?? 0) ^ 0x40;
      expect(await rebuildFrom(changed, folder, old)).toBe('delta-damaged');
    }
    await old.close();
  });
});
