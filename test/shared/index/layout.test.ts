import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { isArchitecture, isPackageName } from '../../../shared/deb/control.js';
import * as layout from '../../../shared/index/layout.js';
import { errorCode } from '../../support/error-code.js';

test('paths of a published tree', () => {
  const name = layout.deltaFileName('openssl', '3.0.20-1~deb12u2', '3.0.22-1~deb12u2', 'amd64');
  expect(name).toBe('openssl_3.0.20-1~deb12u2_3.0.22-1~deb12u2_amd64.delta');
  expect(layout.deltaPath('b1', name)).toBe(`deltas/b1/${name}`);
  expect(layout.batchTorrentPath('b1')).toBe('torrents/b1.torrent');
  expect(layout.debTorrentPath('ab')).toBe('torrents/ab.torrent');
  expect(layout.releasePath('bookworm/updates')).toBe('dists/bookworm/updates/InRelease');
  const index = layout.indexPath('main', 'amd64');
  expect(index).toBe('main/debshoal-amd64/Deltas');
  expect(layout.byHashPath(`${index}.xz`, 'ab')).toBe('main/debshoal-amd64/by-hash/SHA256/ab');
});

test('an epoch survives file systems, and its escape survives URLs', () => {
  const name = layout.deltaFileName('git', '1:2.39.5-0+deb12u2', '1:2.39.5-0+deb12u3', 'amd64');
  expect(name).toBe('git_1%3a2.39.5-0+deb12u2_1%3a2.39.5-0+deb12u3_amd64.delta');
  const url = new URL(layout.urlPath(`deltas/b1/${name}`), 'http://localhost/debian/');
  expect(decodeURIComponent(url.pathname)).toBe(`/debian/deltas/b1/${name}`);
});

test('a name that no file system holds', async () => {
  const long = '1'.repeat(120);
  expect(await errorCode(() => layout.deltaFileName('a', long, long, 'amd64'))).toBe(
    'limit-exceeded',
  );
});

describe('isSafePath', () => {
  test.each(['a', 'pool/main/o/openssl/openssl_1%3a3.0_amd64.deb', 'a..b/..c', '...', 'a~+=@/b'])(
    'accepts %s',
    (path) => {
      expect(layout.isSafePath(path)).toBe(true);
    },
  );

  test.each([
    '',
    '/etc/passwd',
    '../x',
    'a/../b',
    'a/..',
    './a',
    'a//b',
    'a/',
    'a\\..\\b',
    'a\0b',
    'a b',
    'a\nb',
    'é',
    '%2e%2e/x',
    'a/.%2E/b',
    '%2e',
    'a'.repeat(2000),
  ])('refuses %j', (path) => {
    expect(layout.isSafePath(path)).toBe(false);
  });

  test('never lets a URL leave its base', () => {
    const segment = fc.constantFrom('..', '.', '%2e', '%2E.', 'a', '%2f', '?', '#', '\\', '@', ':');
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 5 }), (segments) => {
        const path = segments.join('/');
        if (!layout.isSafePath(path)) return;
        const url = new URL(layout.urlPath(path), 'http://localhost/base/');
        expect(decodeURIComponent(url.pathname)).toBe(`/base/${path}`);
      }),
    );
  });
});

test('names that leave their folder are no names', () => {
  const checks = [
    layout.isSuite,
    layout.isComponent,
    isArchitecture,
    isPackageName,
    layout.isBatchName,
    layout.isInfoHash,
  ];
  for (const check of checks) {
    for (const text of ['', '.', '..', '../a', '/a', 'a/../b', 'a/', 'a b', 'a\n', 'a\0', '-a']) {
      expect(check(text)).toBe(false);
    }
  }
});
