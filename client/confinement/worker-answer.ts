import { statfs } from 'node:fs/promises';

import { z } from 'zod';

import { DebshoalError, type ErrorCode } from '../../shared/errors.js';
import { valueOf } from '../../shared/io/outcome.js';
import { LIMITS } from '../../shared/limits.js';
import type { InstalledResult } from './rebuild-installed.js';
import { printable } from './run-worker.js';

/** What can be wrong with a delta or its sources. A worker cannot claim that apt is busy. */
const CODES = [
  ...(['delta-damaged', 'delta-unsupported', 'deb-malformed', 'deb-unreproducible'] as const),
  ...(['not-installed', 'source-changed', 'hash-mismatch', 'index-mismatch'] as const),
  ...(['limit-exceeded', 'io-failed', 'disk-full'] as const),
] satisfies readonly ErrorCode[];

const seconds = z.number().nonnegative().max(1e6);
const phases = ['total', 'read', 'decode', 'compress', 'hash', 'write'] as const;
const text = z.string().transform(printable);

const ANSWER = z.union([
  z.object({
    ok: z.literal(true),
    value: z.union([
      z.object({ seconds: z.record(z.enum(phases), seconds) }),
      z.object({ unreadable: z.array(z.string()).min(1).max(LIMITS.unreadableFiles) }),
    ]),
  }),
  z.object({
    ok: z.literal(false),
    code: z.enum(CODES),
    message: text,
    hint: text.optional(),
  }),
]);

/**
 * Reads what a worker says came of its task: the result, or the failure that it reports. One that is
 * none is `delta-damaged`: the worker is not itself any more.
 */
export async function readAnswer(line: string, folder: string): Promise<InstalledResult> {
  const answer = ANSWER.safeParse(parseJson(line));
  if (!answer.success) {
    throw new DebshoalError('delta-damaged', `the worker answered ${printable(line)}`);
  }
  const outcome = answer.data;
  // A full disk ends everything, so we look ourselves.
  if (!outcome.ok && outcome.code === 'disk-full' && !(await isFull(folder))) {
    throw new DebshoalError('limit-exceeded', outcome.message);
  }
  return valueOf(outcome);
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

/** Less than what a file of any use takes. */
const FULL_BYTES = 2 ** 20;

async function isFull(folder: string): Promise<boolean> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize < FULL_BYTES;
}
