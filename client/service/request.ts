import { posix } from 'node:path';

import { DebshoalError } from '../../shared/errors.js';
import { SHA256_PATTERN } from '../../shared/io/hash.js';
import { LIMITS } from '../../shared/limits.js';
import { parseArchiveName, type ArchiveName } from '../apt/archive-name.js';
import type { Message } from './message.js';

/** A .deb that apt wants, by the hash that apt will check. */
export interface AcquireRequest extends ArchiveName {
  readonly kind: 'acquire';
  /** The name in apt's cache. */
  readonly archiveName: string;
  readonly uri: string;
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  /** After which the asker will not wait any more; null when it did not say. */
  readonly patienceSeconds: number | null;
}

export type Request = AcquireRequest | { readonly kind: 'status' | 'prefetch' };

/** Longer than anybody waits for apt. */
const MAX_PATIENCE = 24 * 3600;

/** Reads a request; fails with `usage` for one that PROTOCOL.md does not have. */
export function readRequest({ code, text, fields }: Message): Request {
  if (code === 600 && text === 'URI Acquire') return readAcquire(fields);
  if (code === 700 && text === 'Status') return { kind: 'status' };
  if (code === 700 && text === 'Prefetch') return { kind: 'prefetch' };
  throw new DebshoalError('usage', 'unknown request');
}

function readAcquire(fields: ReadonlyMap<string, string>): AcquireRequest {
  const field = (name: string): string => fields.get(name.toLowerCase()) ?? '';
  if ((fields.get('target-type') ?? 'deb') !== 'deb') throw refuse('Target-Type');
  const archiveName = posix.basename(field('Filename'));
  const name = parseArchiveName(archiveName);
  if (name === null) throw refuse('Filename');
  const sha256 = field('Expected-SHA256').toLowerCase();
  if (!SHA256_PATTERN.test(sha256)) throw refuse('Expected-SHA256');
  const size = wholeNumber(field('Expected-Checksum-FileSize'), LIMITS.debBytes);
  if (size === null || size === 0) throw refuse('Expected-Checksum-FileSize');
  const uri = field('URI');
  if (!URL.canParse(uri)) throw refuse('URI');
  let patienceSeconds: number | null = null;
  if (fields.has('patience')) {
    patienceSeconds = wholeNumber(field('Patience'), MAX_PATIENCE);
    if (patienceSeconds === null) throw refuse('Patience');
  }
  return { kind: 'acquire', ...name, archiveName, uri, sha256, size, patienceSeconds };
}

function wholeNumber(text: string, most: number): number | null {
  return /^[0-9]{1,15}$/.test(text) && Number(text) <= most ? Number(text) : null;
}

function refuse(field: string): DebshoalError {
  return new DebshoalError('usage', `${field} is missing or has no meaning here`);
}
