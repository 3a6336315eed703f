import { lstat, readdir, readFile, readlink, rename, rm, stat, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';

import { DebshoalError } from '../../../shared/errors.js';
import { isMissing } from '../../../shared/io/errno.js';
import {
  exists,
  removeStaleTemporaries,
  temporaryBeside,
  writeFileAtomically,
} from '../../../shared/io/files.js';
import { type AptSystem, shellValue } from '../apt-system.js';
import { makeReadableFolder, placesOf } from './places.js';

/*
 * Of two entries of one version at equal priority apt takes the one that it reads first: first
 * Dir::Etc::sourcelist (/etc/apt/sources.list), then sources.list.d by name. So ours is named to be
 * first there; and where /etc/apt/sources.list names sources, these are read as a part, right after
 * ours, for as long as something is listed:
 *
 *     sources.list.d/00debshoal.sources      our sources
 *     sources.list.d/01debshoal-main.list    the main list, through a link
 *     apt.conf.d/99debshoal                  Dir::Etc::sourcelist: a file of ours, with nothing in it
 *
 * All three are links into our own state folder, for apt ignores links that lead nowhere: remove
 * that folder, and apt is as if we had never been. At every step of switching on and off apt reads
 * every source; in between, at worst, one twice, which is a warning.
 */
const SOURCES_LINK = '00debshoal.sources';
const CONFIG_LINK = '99debshoal';
const MAIN_LINK = '01debshoal-main';

interface AptPlaces {
  /** Dir::Etc::sourcelist, of the user or ours. */
  readonly mainList: string;
  readonly parts: string;
  readonly configParts: string;
  readonly lists: string;
}

async function aptPlaces(system: AptSystem): Promise<AptPlaces> {
  const ask = async (name: string): Promise<string> =>
    shellValue(await system.run('apt-config', ['shell', 'P', name]));
  return {
    mainList: await ask('Dir::Etc::sourcelist/f'),
    parts: await ask('Dir::Etc::sourceparts/d'),
    configParts: await ask('Dir::Etc::parts/d'),
    lists: await ask('Dir::State::lists/d'),
  };
}

/** Why apt could not be made to read our sources first; null when it could. */
export async function whyNotFirst(system: AptSystem): Promise<string | null> {
  const { parts, configParts } = await aptPlaces(system);
  for (const folder of [parts, configParts]) {
    const found = await stat(folder).catch(() => null);
    if (!found?.isDirectory()) return `apt reads no folder ${folder || 'of sources'}`;
  }
  const names = (await readdir(parts)).filter((name) => /\.(?:list|sources)$/.test(name)).sort();
  const before = names.find((name) => name < SOURCES_LINK);
  return before === undefined ? null : `apt reads ${join(parts, before)} first; rename it`;
}

/** Makes apt read `sources` (deb822) before all others, and fetches their lists, no others. */
export async function switchOn(system: AptSystem, sources: string): Promise<void> {
  const why = await whyNotFirst(system);
  if (why !== null) throw new DebshoalError('apt-failed', why);
  const { state, apt } = placesOf(system);
  const found = await aptPlaces(system);
  for (const folder of [state, apt]) await makeReadableFolder(folder);
  if (await hasSources(found.mainList)) await readMainListAsPart(apt, found);
  const file = join(apt, 'debshoal.sources');
  await writeFileAtomically(file, sources);
  await linkTo(file, join(found.parts, SOURCES_LINK));
  // Whatever was listed before must not pass for what is listed now, whatever the clock says.
  await removeLists(system, found);
  await system.run('apt-get', [
    '-qq',
    ...['-o', `Dir::Etc::sourcelist=${file}`, '-o', 'Dir::Etc::sourceparts=-'],
    ...['-o', 'APT::Get::List-Cleanup=0', 'update'],
  ]);
}

/** Undoes all that `switchOn` did, or what it came to do before it was killed. */
export async function switchOff(system: AptSystem): Promise<void> {
  const { apt } = placesOf(system);
  const found = await aptPlaces(system);
  await removeLink(join(found.parts, SOURCES_LINK));
  await readMainListAsEver(apt, found);
  await removeLists(system, found);
  await rm(join(apt, 'debshoal.sources'), { force: true });
  for (const folder of [found.parts, found.configParts, apt]) {
    if (await exists(folder)) await removeStaleTemporaries(folder);
  }
}

async function hasSources(list: string): Promise<boolean> {
  const text = await readFile(list, 'utf8').catch(() => '');
  return text.split('\n').some((line) => /^\s*[^#\s]/.test(line));
}

/** The file of ours that stands in for the main list. */
function standIn(apt: string): string {
  return join(apt, 'sources.list');
}

async function readMainListAsPart(apt: string, found: AptPlaces): Promise<void> {
  const own = standIn(apt);
  // Switched on before: what apt calls the main list is ours already.
  const main = found.mainList === own ? await mainListBehind(apt, found) : found.mainList;
  if (main === null) throw new DebshoalError('apt-failed', `${own} stands in for no list`);
  await linkTo(main, own);
  const config = join(apt, 'apt.conf');
  await writeFileAtomically(config, `Dir::Etc::sourcelist "${own}";\n`);
  await linkTo(config, join(found.configParts, CONFIG_LINK));
  const through = join(apt, basename(mainLinkName(main)));
  await linkTo(main, through);
  await linkTo(through, join(found.parts, mainLinkName(main)));
  await writeFileAtomically(own, `# ${main} is read through sources.list.d meanwhile.\n`);
}

async function readMainListAsEver(apt: string, found: AptPlaces): Promise<void> {
  const own = standIn(apt);
  if ((await lstat(own).catch(() => null)) === null) return;
  const main = await mainListBehind(apt, found);
  // A program that has read our apt.conf goes on asking for this file, as long as it runs:
  // unattended-upgrades, which reads its sources again after every few packages, for one.
  if (main !== null) await linkTo(main, own);
  await removeLink(join(found.configParts, CONFIG_LINK));
  for (const link of ['.list', '.sources'].map((suffix) => `${MAIN_LINK}${suffix}`)) {
    await removeLink(join(found.parts, link));
    await removeLink(join(apt, link));
  }
}

/** The user's main list while ours stands in for it, wherever switching on or off has got to. */
async function mainListBehind(apt: string, found: AptPlaces): Promise<string | null> {
  const links = [standIn(apt), ...['.list', '.sources'].map((end) => join(apt, MAIN_LINK + end))];
  for (const link of links) {
    const target = await readlink(link).catch(() => null);
    if (target !== null) return target;
  }
  return found.mainList === standIn(apt) ? null : found.mainList;
}

function mainLinkName(main: string): string {
  return `${MAIN_LINK}${main.endsWith('.sources') ? '.sources' : '.list'}`;
}

async function linkTo(target: string, path: string): Promise<void> {
  if ((await readlink(path).catch(() => null)) === target) return;
  const temporary = temporaryBeside(path);
  await symlink(target, temporary);
  try {
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Never a file: `apt modernize-sources`, say, may have put the user's sources in the link's place. */
async function removeLink(path: string): Promise<void> {
  if ((await readlink(path).catch(() => null)) !== null) await rm(path, { force: true });
}

/** What apt fetched of our sources: file names begin with the URI, '/' as '_'. */
async function removeLists(system: AptSystem, { lists }: AptPlaces): Promise<void> {
  const prefix = `${placesOf(system).repository.replaceAll('/', '_')}_`;
  let names: string[] = [];
  try {
    names = await readdir(lists);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  for (const name of names) {
    if (name.startsWith(prefix)) await rm(join(lists, name), { force: true, recursive: true });
  }
}
