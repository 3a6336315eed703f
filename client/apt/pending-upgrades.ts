import { DebshoalError } from '../../shared/errors.js';
import type { ReportProgress } from '../../shared/progress.js';
import type { AptSystem } from './apt-system.js';
import { PACKAGE_NAME, VERSION } from './archive-name.js';
import { parsePrintUris, type UriLine } from './print-uris.js';
import { parseSimulation } from './simulation.js';

/** What apt shall be asked to do; the kinds are apt-get's commands. */
export type UpgradeRequest =
  | { readonly kind: 'upgrade' }
  | { readonly kind: 'full-upgrade' }
  /** Names as for `apt-get install`: `NAME`, `NAME:ARCH`, `NAME=VERSION`. */
  | { readonly kind: 'install'; readonly packages: readonly string[] };

/** One .deb that apt would download now. */
export interface PendingPackage {
  readonly package: string;
  readonly architecture: string;
  /** The installed version; null for a new package. */
  readonly oldVersion: string | null;
  readonly version: string;
  /** `PACKAGE_VERSION_ARCHITECTURE.deb`, the name in apt's cache. */
  readonly archiveName: string;
  /** Where apt would get it, %-encoded, as apt prints them: any scheme, from the index. */
  readonly uris: readonly string[];
  /** Bytes. */
  readonly size: number;
  /** From the index that apt has verified. */
  readonly sha256: string;
}

/**
 * What apt would download for `request`, by its own resolver and its own verified indexes. Needs
 * no lock. Files that are already whole in apt's cache are left out, by apt. Packages that cannot
 * be verified (no SHA-256 in the index) are reported and left out.
 * Fails with `apt-failed` when apt refuses, `usage` for a name that is none.
 */
export async function pendingUpgrades(
  system: AptSystem,
  request: UpgradeRequest,
  report: ReportProgress = () => undefined,
): Promise<PendingPackage[]> {
  const command = aptCommand(request);
  const uris = ['-qq', '--print-uris', '-o', 'Acquire::ForceHash=SHA256', ...command];
  // Without the option, apt prints a note among the lines for ordinary users.
  const simulate = ['-qq', '-s', '-o', 'APT::Get::Show-User-Simulation-Note=0', ...command];
  const printed = parsePrintUris(await system.run('apt-get', uris));
  const simulated = parseSimulation(await system.run('apt-get', simulate));
  const oldVersions = new Map(simulated.map((line) => [identity(line), line.oldVersion]));

  const pending = new Map<string, PendingPackage>();
  const leaveOut = (line: UriLine, reason: string): void => {
    report({ kind: 'warning', text: `${line.archiveName}: left to apt, ${reason}` });
  };
  for (const line of printed) {
    const { sha256, uri, ...rest } = line;
    const oldVersion = oldVersions.get(identity(line));
    const same = pending.get(line.archiveName);
    if (sha256 === null) leaveOut(line, 'its archive gives no SHA-256');
    else if (oldVersion === undefined) leaveOut(line, 'apt changed its mind between two questions');
    else if (same === undefined) {
      pending.set(line.archiveName, { ...rest, sha256, oldVersion, uris: [uri] });
    } else if (same.sha256 === sha256 && same.size === line.size) {
      pending.set(line.archiveName, { ...same, uris: [...same.uris, uri] });
    } else leaveOut(line, 'an earlier source has other content for it');
  }
  return [...pending.values()];
}

function identity(line: { package: string; architecture: string; version: string }): string {
  return `${line.package} ${line.architecture} ${line.version}`;
}

function aptCommand(request: UpgradeRequest): string[] {
  if (request.kind === 'upgrade') return ['upgrade'];
  if (request.kind === 'full-upgrade') return ['dist-upgrade'];
  if (request.packages.length === 0) throw new DebshoalError('usage', 'no package is named');
  for (const name of request.packages) {
    // apt would read a leading '-' as an option and a trailing one as "remove".
    const [, bare = '', version] = /^([^:=]+)(?::[a-z0-9-]+)?(?:=(.+))?$/.exec(name) ?? [];
    const good = PACKAGE_NAME.test(bare) && !name.endsWith('-');
    if (!good || (version !== undefined && !VERSION.test(version))) {
      throw new DebshoalError('usage', `not a package name: ${name}`);
    }
  }
  return ['install', '--', ...request.packages];
}
