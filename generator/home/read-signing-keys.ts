import { DebshoalError } from '../../shared/errors.js';
import { readIfPresent } from '../../shared/io/files.js';
import { LIMITS } from '../../shared/limits.js';
import { homePaths } from './home-paths.js';

/** The armored private keys to sign with: the current one, and during a change the one before. */
export async function readSigningKeys(home: string): Promise<string[]> {
  const { signingKey, oldSigningKey } = homePaths(home);
  const current = await readIfPresent(signingKey, LIMITS.keyBytes);
  const old = await readIfPresent(oldSigningKey, LIMITS.keyBytes);
  if (current === null) {
    throw new DebshoalError('config-invalid', `there is no signing key in ${home}`, {
      hint: 'run `debshoal-generator init` first, or name its folder with --home',
    });
  }
  return [current, ...(old ? [old] : [])].map((key) => key.toString('utf8'));
}
