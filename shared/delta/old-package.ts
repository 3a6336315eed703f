import { createHash } from 'node:crypto';

import { DebshoalError } from '../errors.js';
import type { DeltaHeader, SourceFile } from './delta.js';

/**
 * The old package as a source of files, whether it is installed or a .deb: the one door through
 * which a delta sees the machine.
 */
export interface OldPackage {
  readonly package: string;
  readonly architecture: string;
  readonly version: string;
  /** `fingerprintFileList` of its paths. */
  readonly fileList: string;
  /**
   * The content of a file by its place, at most `size` bytes; null when it is missing, is no
   * regular file, or has another size.
   */
  read(member: 'control' | 'data', place: number, size: number): Promise<Buffer | null>;
  /** The file's path for messages. */
  describe(member: 'control' | 'data', place: number): string;
}

const FINGERPRINT_BYTES = 8;

/** The first 8 bytes of a SHA-256, in hex: finds accidents early; the target's hash is the proof. */
export function fingerprint(content: Uint8Array): string {
  const hash = createHash('sha256').update(content).digest();
  return hash.toString('hex', 0, FINGERPRINT_BYTES);
}

/** Fingerprint of the sorted paths of a package, so that places mean the same on both sides. */
export function fingerprintFileList(sortedPaths: readonly string[]): string {
  return fingerprint(Buffer.from(sortedPaths.join('\n'), 'utf8'));
}

/** Fails with `not-installed` unless `old` is the package and version that the delta starts from. */
export function checkOldPackage(header: DeltaHeader, old: OldPackage): void {
  if (old.package !== header.package || old.version !== header.oldVersion) {
    throw new DebshoalError(
      'not-installed',
      `the delta starts from ${header.package} ${header.oldVersion}, this is ${old.package} ${old.version}`,
    );
  }
  if (old.fileList !== header.fileList) {
    throw new DebshoalError('source-changed', `the file list of ${old.package} has changed`, {
      hint: 'another package replaced some of its files; use the full .deb',
    });
  }
}

/** Reads one source file and checks its size and fingerprint; `source-changed` otherwise. */
export async function readSource(old: OldPackage, source: SourceFile): Promise<Buffer> {
  const content = await old.read(source.member, source.place, source.size);
  if (content?.length === source.size && fingerprint(content) === source.fingerprint) {
    return content;
  }
  const path = old.describe(source.member, source.place);
  const how = content === null ? 'is missing or has another size' : 'was modified';
  throw new DebshoalError('source-changed', `${path} ${how}`);
}
