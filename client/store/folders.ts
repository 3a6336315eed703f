/** Where we keep things, below the root of the system. */

/** What must survive: counters of trusted indexes. */
export const STATE_FOLDER = 'var/lib/debshoal';

/** Unfinished downloads and rebuilds; on the file system of apt's cache by default. */
export const CACHE_FOLDER = 'var/cache/debshoal';

/**
 * Below both of these, what belongs to the daemon's own user. It may not have the folders above:
 * what apt installs as root comes from there.
 */
export const DAEMON_FOLDER = 'daemon';
