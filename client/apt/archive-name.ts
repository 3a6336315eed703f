/** What apt's cache calls a .deb: `PACKAGE_VERSION_ARCHITECTURE.deb`. */
export interface ArchiveName {
  readonly package: string;
  readonly version: string;
  readonly architecture: string;
}

// Policy 5.6.1 and 5.6.12: no part can hold a '_', a '/' or a leading '.'.
export const PACKAGE_NAME = /^[a-z0-9][a-z0-9+.-]+$/;
export const VERSION = /^[A-Za-z0-9][A-Za-z0-9.+:~-]*$/;
const FORM = /^([^_]+)_([^_]+)_([a-z0-9-]+)\.deb$/;

/**
 * Takes a cache name apart; null when apt would not make this name. In the version ':' is `%3a`
 * (apt-pkg/acquire-item.cc: QuoteString), '+' and '~' are plain.
 */
export function parseArchiveName(name: string): ArchiveName | null {
  const [, packageName = '', quoted = '', architecture = ''] = FORM.exec(name) ?? [];
  const version = quoted.replaceAll('%3a', ':');
  const plain = !quoted.includes(':') && VERSION.test(version) && PACKAGE_NAME.test(packageName);
  return plain ? { package: packageName, version, architecture } : null;
}
