import { hkdfSync } from 'node:crypto';

import { DebshoalError } from '../../shared/errors.js';
import { readBounded } from '../../shared/io/files.js';
import type { SwarmOptions } from '../../shared/swarm/swarm.js';
import type { Settings } from '../config/settings.js';

/** A secret of 32 random bytes in hex is 64 characters; what is shorter than this can be guessed. */
const MIN_SECRET = 20;
const MAX_SECRET = 4096;

/**
 * How the swarm has to be started for these settings. Fails with `config-invalid` when the group's
 * secret is not there or too short.
 */
export async function sharingSwarmOptions(settings: Settings): Promise<SwarmOptions> {
  const { share, port, uploadBytesPerSecond, downloadBytesPerSecond, blocklist } = settings;
  return {
    port,
    upload: share !== 'nobody',
    ...(share === 'nobody' ? {} : { reach: share }),
    ...(share === 'group' ? { groupKey: await readGroupKey(settings.groupKey) } : {}),
    lan: true,
    // Nobody has looked at the month, the hours and the line yet.
    allowance: { local: false, beyondBytes: 0 },
    ...(uploadBytesPerSecond === null ? {} : { uploadBytesPerSecond }),
    ...(downloadBytesPerSecond === null ? {} : { downloadBytesPerSecond }),
    blocklist,
  };
}

async function readGroupKey(path: string | null): Promise<Uint8Array> {
  if (path === null) {
    throw new DebshoalError('config-invalid', 'sharing with a group needs its secret', {
      hint: 'name the file with the secret in group-key',
    });
  }
  const secret = await readBounded(path, MAX_SECRET).catch((cause: unknown) => {
    throw new DebshoalError('config-invalid', `cannot read the group's secret in ${path}`, {
      cause,
    });
  });
  const text = secret.toString('utf8').trim();
  if (text.length < MIN_SECRET) {
    throw new DebshoalError('config-invalid', `the group's secret in ${path} is too short`, {
      hint: 'make one with: openssl rand -hex 32',
    });
  }
  return new Uint8Array(hkdfSync('sha256', text, '', 'debshoal group', 32));
}
