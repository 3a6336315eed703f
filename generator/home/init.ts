import { mkdir, rename } from 'node:fs/promises';

import { DebshoalError } from '../../shared/errors.js';
import { makeSigningKey, type Owner } from '../../shared/index/signing-key.js';
import { exists, writeFileAtomically } from '../../shared/io/files.js';
import { configTemplate, type PublicAddresses } from './config-template.js';
import { parseConfig } from './config.js';
import { homePaths, type HomePaths } from './home-paths.js';

export interface InitOptions extends Owner, Partial<PublicAddresses> {
  /** Replace an existing key. The old one is kept beside it, to sign with both during a change. */
  readonly force?: boolean;
}

export interface InitResult {
  readonly paths: HomePaths;
  /** 40 upper-case hex digits. */
  readonly fingerprint: string;
}

/**
 * Makes the generator's folder: a new signing key, its public halves, a configuration that explains
 * itself (an existing one is left alone), and an empty store. Fails with `usage` when there is a key
 * already, or when name or address cannot stand in one.
 */
export async function initHome(folder: string, options: InitOptions): Promise<InitResult> {
  const paths = homePaths(folder);
  checkOwner(options);
  const config = configTemplate(options);
  // A mistyped address is reported before anything is made.
  parseConfig(config, paths.config);
  const keyExists = await exists(paths.signingKey);
  if (keyExists && options.force !== true) {
    throw new DebshoalError('usage', `${paths.signingKey} exists`, {
      hint: 'Clients trust that key. To replace it all the same, use --force.',
    });
  }
  const key = await makeSigningKey(options);
  await mkdir(paths.store, { recursive: true });
  if (keyExists) await rename(paths.signingKey, paths.oldSigningKey);
  if (!(await exists(paths.config))) await writeFileAtomically(paths.config, config);
  await writeFileAtomically(paths.publicKey, key.publicKey);
  await writeFileAtomically(paths.keyring, key.keyring);
  // Last: when this one is there, all the others are, and a second run has nothing to mend.
  await writeFileAtomically(paths.signingKey, key.privateKey, 0o600);
  return { paths, fingerprint: key.fingerprint };
}

/** A user ID is "name <address>", so neither may contain what separates them. */
function checkOwner({ name, email }: Owner): void {
  if (!/^[^<>()\p{C}]{1,200}$/u.test(name) || name.trim() !== name) {
    throw new DebshoalError('usage', `cannot be the name of a key's owner: ${name}`);
  }
  if (!/^[^\s<>()@\p{C}]{1,64}@[A-Za-z0-9.-]{1,190}$/u.test(email)) {
    throw new DebshoalError('usage', `not an e-mail address: ${email}`);
  }
}
