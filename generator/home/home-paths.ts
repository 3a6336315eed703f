import { homedir } from 'node:os';
import { join } from 'node:path';

/** The generator's own folder: its key, its configuration, and what it remembers. */
export interface HomePaths {
  /** Armored private key, readable by its owner only. */
  readonly signingKey: string;
  /** The private key before it, during a change of keys; usually absent. */
  readonly oldSigningKey: string;
  /** Armored public key: give it to clients, or name it in `Signed-By`. */
  readonly publicKey: string;
  /** The same, binary, for gpgv. */
  readonly keyring: string;
  readonly config: string;
  /** Folder of what is kept between runs. */
  readonly store: string;
}

export function homePaths(folder: string): HomePaths {
  return {
    signingKey: join(folder, 'signing-key.asc'),
    oldSigningKey: join(folder, 'signing-key.old.asc'),
    publicKey: join(folder, 'public-key.asc'),
    keyring: join(folder, 'keyring.gpg'),
    config: join(folder, 'generator.conf'),
    store: join(folder, 'store'),
  };
}

/** Where the home is unless `--home` says otherwise: root's runs from cron share one place. */
export function defaultHome(env: NodeJS.ProcessEnv, isRoot: boolean): string {
  const chosen = env['DEBSHOAL_GENERATOR_HOME'];
  if (chosen !== undefined && chosen !== '') return chosen;
  if (isRoot) return '/var/lib/debshoal-generator';
  const data = env['XDG_DATA_HOME'] ?? '';
  return join(data === '' ? join(homedir(), '.local/share') : data, 'debshoal-generator');
}
