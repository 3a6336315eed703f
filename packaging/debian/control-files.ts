import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

import { formatStanza } from '../../shared/deb/deb822.js';
import { readIfPresent } from '../../shared/io/files.js';
import { LIMITS } from '../../shared/limits.js';
import type { ProgramPackage } from './programs.js';

const MAINTAINER = 'debshoal maintainers <maintainers@debshoal.example>';

export interface ControlOptions {
  readonly version: string;
  readonly architecture: string;
  readonly installedKiB: number;
  readonly libraries: readonly string[];
}

export function controlText(
  program: ProgramPackage,
  { version, architecture, installedKiB, libraries }: ControlOptions,
): string {
  const lists = {
    Depends: [...program.depends, ...libraries],
    Recommends: program.recommends,
    Suggests: program.suggests,
  };
  return formatStanza([
    ['Package', program.name],
    ['Version', version],
    ['Section', 'admin'],
    ['Priority', 'optional'],
    ['Architecture', architecture],
    ['Installed-Size', String(installedKiB)],
    ...Object.entries(lists).flatMap(([field, names]) =>
      names.length === 0 ? [] : [[field, names.join(', ')] as const],
    ),
    ['Maintainer', MAINTAINER],
    ['Description', program.description.join('\n')],
  ]);
}

/** Debian's form of a changelog; what has changed is told in the other one. */
export function changelogText(name: string, version: string, date: Date): string {
  const time = date.toUTCString().replace('GMT', '+0000');
  const what = '  * See /usr/share/doc/' + name + '/changelog.gz.';
  return `${name} (${version}) unstable; urgency=medium\n\n${what}\n\n -- ${MAINTAINER}  ${time}\n`;
}

/** Our own licence, Node's, and those of all npm packages, each text once. */
export async function copyrightText(
  project: string,
  name: string,
  modules: readonly string[],
): Promise<string> {
  const texts = new Map<string, string[]>();
  const note = (licence: string, owner: string): void => {
    const text = licence.replaceAll(APACHE, COMMON_APACHE).trim();
    texts.set(text, [...(texts.get(text) ?? []), owner]);
  };
  for (const module of modules) {
    const owner = relative(join(project, 'node_modules'), module);
    note(await licenceOf(module), owner);
  }
  const node = await readIfPresent(await nodeLicence(), LIMITS.configBytes);
  if (node !== null) note(node.toString(), `/usr/lib/${name}/node`);
  const others = [...texts].map(
    ([text, owners]) => `${'-'.repeat(78)}\n${owners.join(', ')}:\n\n${text}\n`,
  );
  return `debshoal: binary deltas of Debian packages over BitTorrent and HTTP

Licence: Apache License, version 2.0, as in /usr/share/common-licenses/Apache-2.0.
Copyright: the debshoal authors

It comes with Node and npm packages in /usr/lib/${name}, which are under these licences:

${others.join('\n')}`;
}

/** Debian has its text on every machine: Policy 12.5. Node quotes it among others'. */
const APACHE =
  /^[ #*]*Apache License\s+[ #*]*Version 2\.0, January 2004[^]*?END OF TERMS AND CONDITIONS/gm;
const COMMON_APACHE =
  'Licence: Apache License, version 2.0, as in /usr/share/common-licenses/Apache-2.0.';

async function licenceOf(module: string): Promise<string> {
  const names = (await readdir(module))
    .filter((file) => /^(licen[cs]e|copying)/i.test(file))
    .sort();
  const [first] = names;
  if (first !== undefined) return readFile(join(module, first), 'utf8');
  const manifest = await readFile(join(module, 'package.json'), 'utf8');
  const { license = 'not stated', author = '' } = JSON.parse(manifest) as Record<string, unknown>;
  return `Licence: ${JSON.stringify(license)}, by ${JSON.stringify(author)}`;
}

/** Beside the binary, as it is unpacked or packaged. */
async function nodeLicence(): Promise<string> {
  const prefix = dirname(dirname(process.execPath));
  for (const path of ['share/doc/nodejs/LICENSE', 'LICENSE']) {
    const candidate = join(prefix, path);
    if ((await readIfPresent(candidate, LIMITS.configBytes)) !== null) return candidate;
  }
  return join(prefix, 'LICENSE');
}
