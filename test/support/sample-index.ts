import type { DeltasIndex, IndexedPackage } from '../../shared/index/deltas-index.js';
import { indexPath } from '../../shared/index/layout.js';
import type { ListedFile, Release } from '../../shared/index/release.js';
import { sha256 } from '../../shared/io/hash.js';

/** One moment for all tests: nothing depends on the clock of the machine. */
export const NOW = new Date('2026-03-01T12:00:00Z');
const DAY = 24 * 60 * 60 * 1000;

export function daysFromNow(days: number): Date {
  return new Date(NOW.getTime() + days * DAY);
}

const hex = (text: string): string => sha256(Buffer.from(text));

const openssl: IndexedPackage = {
  package: 'openssl',
  architecture: 'amd64',
  version: '3.0.22-1~deb12u2',
  size: 1_442_104,
  sha256: hex('openssl'),
  infoHash: hex('openssl torrent').slice(0, 40),
  filename: 'pool/main/o/openssl/openssl_3.0.22-1~deb12u2_amd64.deb',
  expanded: { size: 2_519_212, sha256: hex('openssl expanded') },
  encoderMiB: 20,
  deltas: [
    {
      oldPackage: 'openssl',
      oldVersion: '3.0.20-1~deb12u2',
      size: 13_912,
      sha256: hex('openssl 1'),
      memoryMiB: 24,
      batch: 1,
      work: { decode: 40, compress: 800 },
    },
    {
      oldPackage: 'openssl',
      oldVersion: '3.0.19-1~deb12u1',
      size: 15_001,
      sha256: hex('openssl 2'),
      memoryMiB: 25,
      batch: 0,
      work: { decode: 60, compress: 800 },
    },
  ],
};

const perlDoc: IndexedPackage = {
  package: 'perl-doc',
  architecture: 'all',
  version: '5:5.36.0-7+deb12u3',
  size: 7_910_000,
  sha256: hex('perl-doc'),
  infoHash: null,
  filename: null,
  expanded: null,
  encoderMiB: null,
  deltas: [],
};

export const SAMPLE_INDEX: DeltasIndex = {
  suite: 'bookworm',
  component: 'main',
  architecture: 'amd64',
  announce: ['http://tracker.example.org:6969/announce', 'udp://tracker.example.org:6969'],
  batches: [
    { name: '2026-02-28t060000z', infoHash: hex('batch 0').slice(0, 40) },
    { name: '2026-03-01t060000z', infoHash: hex('batch 1').slice(0, 40) },
  ],
  packages: [openssl, perlDoc],
};

export function listFile(path: string, bytes: Uint8Array | string): ListedFile {
  const content = Buffer.from(bytes);
  return { path, size: content.length, sha256: sha256(content) };
}

export const SAMPLE_RELEASE: Release = {
  origin: 'debshoal',
  label: 'Deltas of Debian',
  suite: 'bookworm',
  codename: 'bookworm',
  date: daysFromNow(-1),
  validUntil: daysFromNow(6),
  components: ['main', 'non-free-firmware'],
  architectures: ['amd64', 'arm64'],
  counter: 42,
  archiveReleaseSha256: hex('release of the archive'),
  files: [
    listFile(indexPath('main', 'amd64'), 'plain'),
    listFile(`${indexPath('main', 'amd64')}.xz`, 'packed'),
  ],
};
