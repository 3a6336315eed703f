import { access, constants } from 'node:fs/promises';

import { isVersion, compareVersions } from '../../shared/deb/version.js';
import { shellValue, type AptSystem } from '../apt/apt-system.js';
import { findSnippets } from '../setup/apt-snippets.js';
import type { Findings } from './finding.js';

/** The oldest that was tried: bookworm's. */
const TRIED = '2.6.1';

/** apt itself, the links to our snippets, and whether what they name can be run. */
export async function checkApt(system: AptSystem, found: Findings): Promise<void> {
  const [, version = ''] = /^apt (\S+)/.exec(await system.run('apt-get', ['--version'])) ?? [];
  if (isVersion(version) && compareVersions(version, TRIED) >= 0) found.ok(`apt ${version}`);
  else found.warning(`apt ${version} was never tried`, `${TRIED} and newer ones were.`);

  for (const { name, state } of await findSnippets(system.root)) {
    const path = `/etc/apt/apt.conf.d/${name}`;
    if (state === 'linked') found.ok(`reads ${path}`);
    else if (state === 'missing') found.warning(`does not read ${path}`, 'Run `debshoal enable`.');
    else found.problem(`${path} is not ours`, 'Remove it, then run `debshoal enable`.');
  }
  for (const scheme of ['http', 'https']) {
    const key = `Dir::Bin::Methods::${scheme}`;
    const method = shellValue(await system.run('apt-config', ['shell', 'M', key]));
    if (!method.includes('/debshoal/')) continue;
    if (await isExecutable(method)) found.ok(`fetches ${scheme} through ${method}`);
    else found.problem(`${method} cannot be run`, 'Install the package debshoal again.');
  }
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
