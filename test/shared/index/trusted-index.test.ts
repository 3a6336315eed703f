import { describe, expect, expectTypeOf, test } from 'vitest';

import { encodeDeltasIndex, type DeltasIndex } from '../../../shared/index/deltas-index.js';
import { indexPath } from '../../../shared/index/layout.js';
import { encodeRelease, type Release } from '../../../shared/index/release.js';
import { signRelease } from '../../../shared/index/signature.js';
import {
  findListedIndex,
  openIndexOfApt,
  openTrustedIndex,
  openTrustedRelease,
  type ReleaseInput,
  type TrustedIndex,
  type TrustedRelease,
} from '../../../shared/index/trusted-index.js';
import { sha256 } from '../../../shared/io/hash.js';
import { compressXz } from '../../../shared/io/xz.js';
import { LIMITS } from '../../../shared/limits.js';
import { errorCode } from '../../support/error-code.js';
import {
  daysFromNow,
  listFile,
  NOW,
  SAMPLE_INDEX,
  SAMPLE_RELEASE,
} from '../../support/sample-index.js';
import { makeTestKey } from '../../support/signing.js';

const key = await makeTestKey('publisher');
const stranger = await makeTestKey('stranger');
const MAIN = { component: 'main', architecture: 'amd64' } as const;

async function sign(change: Partial<Release> = {}): Promise<Buffer> {
  const text = encodeRelease({ ...SAMPLE_RELEASE, ...change });
  return Buffer.from(await signRelease(text, key.privateKey, NOW));
}

async function open(
  bytes: Uint8Array,
  change: Partial<ReleaseInput> = {},
): Promise<TrustedRelease> {
  const usual = { keys: key.trusted, suite: 'bookworm', now: NOW, lastCounter: null };
  return openTrustedRelease({ ...usual, bytes, ...change });
}

interface Published {
  readonly release: TrustedRelease;
  readonly plain: Buffer;
  readonly packed: Buffer;
}

/** Signs a Release that lists `content` as the index of main and amd64. */
async function publish(content: DeltasIndex | Buffer, packed?: Buffer): Promise<Published> {
  const plain = Buffer.isBuffer(content) ? content : Buffer.from(encodeDeltasIndex(content));
  const xz = packed ?? (await compressXz(plain));
  const path = indexPath('main', 'amd64');
  const release = await open(
    await sign({ files: [listFile(path, plain), listFile(`${path}.xz`, xz)] }),
  );
  return { release, plain, packed: xz };
}

describe('openTrustedRelease', () => {
  test('opens what the publisher signed', async () => {
    const release = await open(await sign(), { lastCounter: 42 });
    expect(release).toEqual(SAMPLE_RELEASE);
    expectTypeOf<Release>().not.toExtend<TrustedRelease>();
  });

  test('unsigned', async () => {
    expect(await errorCode(open(Buffer.from(encodeRelease(SAMPLE_RELEASE))))).toBe(
      'index-untrusted',
    );
  });

  test('wrong key', async () => {
    expect(await errorCode(open(await sign(), { keys: stranger.trusted }))).toBe('index-untrusted');
  });

  test('tampered body', async () => {
    const tampered = (await sign()).toString().replace('Counter: 42', 'Counter: 43');
    expect(await errorCode(open(Buffer.from(tampered)))).toBe('index-untrusted');
  });

  test('text before the signed part', async () => {
    const bytes = Buffer.concat([Buffer.from('Counter: 43\n'), await sign()]);
    expect(await errorCode(open(bytes))).toBe('index-untrusted');
  });

  test('text after the signed part', async () => {
    const bytes = Buffer.concat([await sign(), Buffer.from('Counter: 43\n')]);
    expect(await errorCode(open(bytes))).toBe('index-untrusted');
  });

  test('signed, but no Release', async () => {
    const bytes = Buffer.from(await signRelease('Origin: x\n', key.privateKey, NOW));
    expect(await errorCode(open(bytes))).toBe('index-malformed');
  });

  test('endless data', async () => {
    const bytes = Buffer.alloc(LIMITS.releaseBytes + 1, 0x41);
    expect(await errorCode(open(bytes))).toBe('limit-exceeded');
  });

  test('expired, also known as a freeze attack', async () => {
    const bytes = await sign();
    expect(await errorCode(open(bytes, { now: daysFromNow(7) }))).toBe('index-expired');
    expect(await errorCode(open(bytes, { now: SAMPLE_RELEASE.validUntil }))).toBe('index-expired');
  });

  test('from the future', async () => {
    const future = { date: daysFromNow(2), validUntil: daysFromNow(9) };
    expect(await errorCode(open(await sign(future)))).toBe('index-expired');
    expect(await errorCode(open(await sign({ date: daysFromNow(0.5) })))).toBe('none');
  });

  test('rollback', async () => {
    expect(await errorCode(open(await sign(), { lastCounter: 43 }))).toBe('index-rollback');
  });

  test('wrong suite', async () => {
    expect(await errorCode(open(await sign(), { suite: 'bookworm/updates' }))).toBe(
      'index-mismatch',
    );
    const renamed = await sign({ codename: 'trixie' });
    expect(await errorCode(open(renamed, { suite: 'trixie' }))).toBe('index-mismatch');
  });
});

describe('openTrustedIndex', () => {
  test('opens the listed index, from our files and from the lists of apt', async () => {
    const { release, plain, packed } = await publish(SAMPLE_INDEX);
    expect(await openTrustedIndex(release, MAIN, packed)).toEqual(SAMPLE_INDEX);
    expect(await openTrustedIndex(release, { ...MAIN, form: 'plain' }, plain)).toEqual(
      SAMPLE_INDEX,
    );
    expectTypeOf<DeltasIndex>().not.toExtend<TrustedIndex>();
  });

  test('what to fetch is known before a byte arrives', async () => {
    const { release, packed, plain } = await publish(SAMPLE_INDEX);
    const folder = 'main/debshoal-amd64';
    expect(findListedIndex(release, MAIN)).toEqual({
      path: `${folder}/Deltas.xz`,
      byHashPath: `${folder}/by-hash/SHA256/${sha256(packed)}`,
      size: packed.length,
      sha256: sha256(packed),
    });
    expect(findListedIndex(release, { ...MAIN, form: 'plain' })?.size).toBe(plain.length);
    expect(findListedIndex(release, { ...MAIN, architecture: 'arm64' })).toBeNull();
  });

  test('index not listed', async () => {
    const { release, packed } = await publish(SAMPLE_INDEX);
    const contrib = { ...MAIN, component: 'contrib' };
    expect(await errorCode(openTrustedIndex(release, contrib, packed))).toBe('index-mismatch');
  });

  test('a listed size beyond the limit', async () => {
    const path = `${indexPath('main', 'amd64')}.xz`;
    const file = { path, size: LIMITS.indexBytes + 1, sha256: 'a'.repeat(64) };
    const release = await open(await sign({ files: [file] }));
    expect(await errorCode(() => findListedIndex(release, MAIN))).toBe('limit-exceeded');
  });

  test('tampered index', async () => {
    const { release, packed } = await publish(SAMPLE_INDEX);
    packed.writeUInt8(packed.readUInt8(40) ^ 1, 40);
    expect(await errorCode(openTrustedIndex(release, MAIN, packed))).toBe('index-mismatch');
  });

  test('truncated index', async () => {
    const { release, packed } = await publish(SAMPLE_INDEX);
    const cut = packed.subarray(0, -1);
    expect(await errorCode(openTrustedIndex(release, MAIN, cut))).toBe('index-mismatch');
  });

  test('index of another state of the archive', async () => {
    const { release } = await publish(SAMPLE_INDEX);
    const older = await publish({ ...SAMPLE_INDEX, packages: [] });
    expect(await errorCode(openTrustedIndex(release, MAIN, older.packed))).toBe('index-mismatch');
  });

  test('swapped suite', async () => {
    const { release, packed } = await publish({ ...SAMPLE_INDEX, suite: 'trixie' });
    expect(await errorCode(openTrustedIndex(release, MAIN, packed))).toBe('index-mismatch');
  });

  test('swapped component', async () => {
    const { release, packed } = await publish({ ...SAMPLE_INDEX, component: 'contrib' });
    expect(await errorCode(openTrustedIndex(release, MAIN, packed))).toBe('index-mismatch');
  });

  test('swapped architecture', async () => {
    const swapped = { ...SAMPLE_INDEX, architecture: 'arm64', packages: [] };
    const { release, packed } = await publish(swapped);
    expect(await errorCode(openTrustedIndex(release, MAIN, packed))).toBe('index-mismatch');
  });

  test('bomb: more than the signed size', async () => {
    const bomb = await compressXz(Buffer.alloc(16 << 20));
    const { release } = await publish(Buffer.from(encodeDeltasIndex(SAMPLE_INDEX)), bomb);
    expect(await errorCode(openTrustedIndex(release, MAIN, bomb))).toBe('limit-exceeded');
  });

  test('two files that say different things', async () => {
    const other = await compressXz(
      Buffer.from(encodeDeltasIndex({ ...SAMPLE_INDEX, packages: [] })),
    );
    const { release } = await publish(SAMPLE_INDEX, other);
    expect(await errorCode(openTrustedIndex(release, MAIN, other))).toBe('index-mismatch');
  });

  test('listed and signed, but no index', async () => {
    const { release, packed } = await publish(Buffer.from('Origin: x\n'));
    expect(await errorCode(openTrustedIndex(release, MAIN, packed))).toBe('index-malformed');
  });
});

describe('openIndexOfApt', () => {
  const plain = Buffer.from(encodeDeltasIndex(SAMPLE_INDEX));
  const open = (suites: string[], target: { component: string; architecture: string }) =>
    errorCode(() => Promise.resolve(openIndexOfApt(suites, target, plain)));

  test('opens an index by any name of its suite', () => {
    expect(openIndexOfApt(['stable', 'bookworm'], MAIN, plain)).toEqual(SAMPLE_INDEX);
  });

  test('swapped suite, component, architecture', async () => {
    expect(await open(['trixie', 'testing'], MAIN)).toBe('index-mismatch');
    expect(await open(['bookworm'], { ...MAIN, component: 'contrib' })).toBe('index-mismatch');
    expect(await open(['bookworm'], { ...MAIN, architecture: 'arm64' })).toBe('index-mismatch');
  });

  test('larger than any index', async () => {
    const endless = Buffer.alloc(LIMITS.indexExpandedBytes + 1);
    const opened = () => Promise.resolve(openIndexOfApt(['bookworm'], MAIN, endless));
    expect(await errorCode(opened)).toBe('limit-exceeded');
  });
});
