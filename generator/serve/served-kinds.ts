/** What HTTP requests are counted by; the path itself would be a label without bounds. */
export const SERVED_KINDS = ['delta', 'deb', 'index', 'torrent', 'metalink', 'other'] as const;

export type ServedKind = (typeof SERVED_KINDS)[number];

const KINDS: readonly (readonly [pattern: RegExp, kind: ServedKind])[] = [
  [/\.meta4$/, 'metalink'],
  [/^\/torrents\/.*\.torrent$/, 'torrent'],
  [/^\/deltas\/.*\.delta$/, 'delta'],
  [/^\/pool\/.*\.deb$/, 'deb'],
  [/^\/dists\//, 'index'],
];

const IMMUTABLE = 'public, max-age=31536000, immutable';

/** For caches between us and clients (RFC 9111, RFC 8246), as packaging/nginx.conf has it. */
export function cacheControl(url: string): string | null {
  switch (kindOf(url)) {
    // No name is used twice.
    case 'delta':
    case 'torrent':
      return IMMUTABLE;
    // An archive may build a package anew under its name.
    case 'deb':
      return 'public, max-age=86400';
    case 'index':
      return /\/by-hash\/SHA256\/[0-9a-f]{64}$/.test(url) ? IMMUTABLE : 'no-cache';
    default:
      return null;
  }
}

export function kindOf(url: string): ServedKind {
  const path = url.replace(/[?#].*$/, '');
  return KINDS.find(([pattern]) => pattern.test(path))?.[1] ?? 'other';
}
