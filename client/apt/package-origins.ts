import { parseStanza, type Stanza } from '../../shared/deb/deb822.js';
import { DebshoalError } from '../../shared/errors.js';
import { readSignedText } from '../../shared/index/signature.js';
import { readIfPresent } from '../../shared/io/files.js';
import { LIMITS } from '../../shared/limits.js';
import type { AptSystem } from './apt-system.js';
import { indexTargets, type AptIndexTarget } from './index-targets.js';
import type { PendingPackage } from './pending-upgrades.js';

/** One release that lists a pending package, by apt's own verified records. */
export interface PackageOrigin {
  readonly target: AptIndexTarget;
  /** The package's stanza in Packages. */
  readonly stanza: Stanza;
  /** Of the Release: what pins and unattended-upgrades go by. */
  readonly release: ReleaseIdentity;
}

/** Fields of a Release that decide how apt treats its packages; empty when it has none. */
type ReleaseIdentity = Readonly<Record<IdentifyingField, string>>;

export const IDENTIFYING_FIELDS = [
  'Origin',
  'Label',
  'Suite',
  'Codename',
  'Version',
  'NotAutomatic',
  'ButAutomaticUpgrades',
] as const;

type IdentifyingField = (typeof IDENTIFYING_FIELDS)[number];

/**
 * Every release that lists these packages with just these contents, by SHA-256. Packages that none
 * lists are missing in the result, and so are those of sources that apt does not trust.
 */
export async function findOrigins(
  system: AptSystem,
  pending: readonly PendingPackage[],
): Promise<ReadonlyMap<string, readonly PackageOrigin[]>> {
  const found = new Map<string, PackageOrigin[]>();
  if (pending.length === 0) return found;
  for (const target of await indexTargets(system, 'Packages')) {
    // Only what may be in it is looked for: the lists of a whole Debian are 50 MB.
    const base = `${target.repositoryUri}/`;
    const candidates = pending.filter(({ uris }) => uris.some((uri) => uri.startsWith(base)));
    if (candidates.length === 0 || !target.isTrusted) continue;
    const packages = await system.readList(target.file, LIMITS.packagesBytes);
    let release: ReleaseIdentity | null = null;
    for (const one of candidates) {
      const stanza = findStanza(packages, one);
      if (stanza === null) continue;
      release ??= await readIdentity(target);
      const origins = found.get(one.sha256) ?? [];
      found.set(one.sha256, [...origins, { target, stanza, release }]);
    }
  }
  return found;
}

/** By its hash, without parsing all the others. */
function findStanza(packages: Buffer, wanted: PendingPackage): Stanza | null {
  // At the start of a line: a description cannot pretend to be a field.
  const hash = packages.indexOf(`\nSHA256: ${wanted.sha256}\n`, 0, 'latin1');
  if (hash < 0) return null;
  const before = packages.lastIndexOf('\n\n', hash, 'latin1');
  const after = packages.indexOf('\n\n', hash, 'latin1');
  const text = packages.subarray(before < 0 ? 0 : before + 2, after < 0 ? undefined : after + 1);
  const stanza = parseStanza(text, {
    code: 'apt-failed',
    maxStanzaBytes: LIMITS.controlStanzaBytes,
  });
  const same =
    stanza.get('Package') === wanted.package &&
    stanza.get('Version') === wanted.version &&
    stanza.get('Architecture') === wanted.architecture;
  return same ? stanza : null;
}

async function readIdentity(target: AptIndexTarget): Promise<ReleaseIdentity> {
  const prefix = target.releaseFilePrefix;
  const signed = await readIfPresent(`${prefix}InRelease`, LIMITS.releaseBytes);
  const plain =
    signed === null
      ? await readIfPresent(`${prefix}Release`, LIMITS.releaseBytes)
      : await readSignedText(signed);
  if (plain === null) {
    throw new DebshoalError('apt-failed', `apt has no Release beside ${target.file}`);
  }
  const stanza = parseStanza(plain, { code: 'apt-failed', maxStanzaBytes: LIMITS.releaseBytes });
  const identity = IDENTIFYING_FIELDS.map((name) => [name, stanza.get(name) ?? ''] as const);
  return Object.fromEntries(identity) as ReleaseIdentity;
}
