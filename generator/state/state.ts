import { join } from 'node:path';

import { z } from 'zod';

import { DebshoalError } from '../../shared/errors.js';
import { isErrno } from '../../shared/io/errno.js';
import { readBounded, writeFileAtomically } from '../../shared/io/files.js';
import { SHA256_PATTERN } from '../../shared/io/hash.js';
import { LIMITS } from '../../shared/limits.js';

/*
 * What the generator remembers between runs. Everything that is published can be derived from it
 * and the archive, so that a run which was killed anywhere is finished by the next.
 */

const sha256 = z.string().regex(SHA256_PATTERN);

const knownVersion = z.strictObject({
  package: z.string(),
  architecture: z.string(),
  version: z.string(),
  sha256,
  size: z.int(),
  /** Path below the archive, where it was last seen. */
  filename: z.string(),
});

const madeDelta = z.strictObject({
  oldSha256: sha256,
  newSha256: sha256,
  oldPackage: z.string(),
  oldVersion: z.string(),
  size: z.int(),
  sha256,
  memoryMiB: z.int(),
  /** Null when the delta rebuilds only the expanded form. */
  encoderMiB: z.int().nullable(),
  /** The new .deb in its expanded form. */
  expanded: z.strictObject({ size: z.int(), sha256 }),
  work: z.strictObject({ decode: z.int(), compress: z.int() }),
  /** Name of the batch that holds it. */
  batch: z.string(),
});

const rejectedPair = z.strictObject({
  oldSha256: sha256,
  newSha256: sha256,
  /** Why no delta is published: an error code or `too-large`. */
  reason: z.string(),
});

const batch = z.strictObject({ name: z.string(), infoHash: z.string() });
const debTorrent = z.strictObject({ sha256, infoHash: z.string(), filename: z.string() });

const state = z.strictObject({
  format: z.literal(1),
  versions: z.array(knownVersion),
  deltas: z.array(madeDelta),
  rejected: z.array(rejectedPair),
  batches: z.array(batch),
  debTorrents: z.array(debTorrent),
});

export type KnownVersion = Readonly<z.infer<typeof knownVersion>>;
export type MadeDelta = Readonly<z.infer<typeof madeDelta>>;
export type RejectedPair = Readonly<z.infer<typeof rejectedPair>>;
export type GeneratorState = Readonly<z.infer<typeof state>>;

const EMPTY: GeneratorState = {
  format: 1,
  versions: [],
  deltas: [],
  rejected: [],
  batches: [],
  debTorrents: [],
};

/** Loads the state of `home`; an empty one at first. `config-invalid` when the file is damaged. */
export async function loadState(home: string): Promise<GeneratorState> {
  const path = statePath(home);
  try {
    return state.parse(JSON.parse((await readBounded(path, LIMITS.stateBytes)).toString('utf8')));
  } catch (cause) {
    if (isErrno(cause, 'ENOENT')) return EMPTY;
    throw new DebshoalError('config-invalid', `${path} is damaged`, {
      cause,
      hint: 'remove it to start afresh: published files stay, known pairs are made again',
    });
  }
}

export async function saveState(home: string, value: GeneratorState): Promise<void> {
  await writeFileAtomically(statePath(home), JSON.stringify(value));
}

function statePath(home: string): string {
  return join(home, 'state.json');
}
