import { isArchitecture } from '../../shared/deb/control.js';
import { stanzas, type Stanza } from '../../shared/deb/deb822.js';
import { isComponent, isSuite } from '../../shared/index/layout.js';
import { LIMITS } from '../../shared/limits.js';
import type { AptSystem } from './apt-system.js';

/**
 * One index file that apt has downloaded and verified under the Release of its source; the fields
 * of `apt-get indextargets`.
 */
export interface AptIndexTarget {
  /** Of the source, without a slash at the end; any scheme. */
  readonly repositoryUri: string;
  /** The suite as the source names it: the path below `dists/`. */
  readonly release: string;
  /** Every name that the suite has in its Release, and `release`. */
  readonly suites: readonly string[];
  readonly component: string;
  readonly architecture: string;
  /** In apt's folder of lists; read it with AptSystem.readList(). */
  readonly file: string;
  /** The Release (or InRelease) in the same folder, without which of the two. */
  readonly releaseFilePrefix: string;
  /** apt checked a signature, or was told to trust the source without one. */
  readonly isTrusted: boolean;
}

/**
 * The targets that apt has files of, in the order in which apt prefers them. `kind` is the name of
 * a section of Acquire::IndexTargets. Flat archives (without components) are left out: they have
 * no place for an index of ours.
 */
export async function indexTargets(
  system: AptSystem,
  kind: 'Packages' | 'Debshoal',
): Promise<AptIndexTarget[]> {
  const output = await system.run('apt-get', ['indextargets', `Created-By: ${kind}`]);
  const options = { code: 'apt-failed', maxStanzaBytes: LIMITS.controlStanzaBytes } as const;
  return [...stanzas(output, options)].flatMap(readTarget);
}

function readTarget(stanza: Stanza): AptIndexTarget[] {
  const field = (name: string): string => stanza.get(name) ?? '';
  const [release, component, architecture] = ['Release', 'Component', 'Architecture'].map(field);
  const place = field('MetaKey').replaceAll('/', '_');
  // apt may keep the file compressed, under another suffix.
  const at = field('Filename').lastIndexOf(`_${place}`);
  if (release === undefined || component === undefined || architecture === undefined) return [];
  if (!isSuite(release) || !isComponent(component) || !isArchitecture(architecture)) return [];
  if (place === '' || at < 0) return [];
  const suites = [release, field('Suite'), field('Codename')].filter((name) => name !== '');
  return [
    {
      repositoryUri: field('Repo-URI').replace(/\/+$/, ''),
      release,
      suites,
      component,
      architecture,
      file: field('Filename'),
      releaseFilePrefix: field('Filename').slice(0, at + 1),
      isTrusted: field('Trusted') === 'yes',
    },
  ];
}
