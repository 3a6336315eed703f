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

export function kindOf(url: string): ServedKind {
  const path = url.replace(/[?#].*$/, '');
  return KINDS.find(([pattern]) => pattern.test(path))?.[1] ?? 'other';
}
