import { DebshoalError } from '../../shared/errors.js';
import { readBounded } from '../../shared/io/files.js';
import { LIMITS } from '../../shared/limits.js';
import { homePaths } from './home-paths.js';

/** The armored private keys to sign with: the current one, and during a change the one before. */
export async function readSigningKeys(home: string): Promise<string[]> {
  const { signingKey, oldSigningKey } = homePaths(home);
  const keys = await Promise.all([signingKey, oldSigningKey].map(readIfPresent));
  const [current, old] = keys;
  if (current === undefined || current === null) {
    throw new DebshoalError('config-invalid', `there is no signing key in ${home}`, {
      hint: 'run `debshoal-generator init` first, or name its folder with --home',
    });
  }
  return old ? [current, old] : [current];
}

async function readIfPresent(path: string): Promise<string | null> {
  try {
    return (await readBounded(path, LIMITS.keyBytes)).toString('utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
