import { isInstalled, readStatus } from './dpkg-status.js';
import { pathResolver } from './path-inside-root.js';

/** Installed version by `PACKAGE:ARCHITECTURE`. */
export type InstalledVersions = ReadonlyMap<string, string>;

/** The versions of the packages that are completely installed under `root`, of those `named`. */
export async function installedVersions(
  root: string,
  named: ReadonlySet<string>,
): Promise<InstalledVersions> {
  const found = new Map<string, string>();
  if (named.size === 0) return found;
  const status = await pathResolver(root).file('/var/lib/dpkg/status');
  if (status === null) return found;
  for await (const stanza of readStatus(status)) {
    const [name, version] = [stanza.get('package') ?? '', stanza.get('version')];
    if (version === undefined || !named.has(name) || !isInstalled(stanza)) continue;
    found.set(`${name}:${stanza.get('architecture') ?? ''}`, version);
  }
  return found;
}
