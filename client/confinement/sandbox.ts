import { lstatSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What a confined process is to see of this machine; absolute paths. */
export interface Place {
  /** Of the system whose files it reads. */
  readonly root: string;
  /** The only folder that it may write to. */
  readonly folder: string;
  /** What it is made of, to be seen wherever it lies: the interpreter and our program. */
  readonly program: readonly string[];
}

export interface Identity {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Folders in which no package has files (FHS; Debian Policy 9.1), and those where we have secrets and
 * unfinished things: whoever reads deltas has no business there.
 */
const HIDDEN = [
  ...['home', 'root', 'srv', 'mnt', 'media', 'tmp', 'run', 'proc', 'sys', 'dev'],
  ...['var/tmp', 'var/log', 'var/mail', 'var/backups'],
  ...['etc/debshoal', 'var/lib/debshoal', 'var/cache/debshoal'],
];

/**
 * Arguments of bwrap(1): everything else is to be read and nothing written, no network, no other
 * processes, no capabilities; ends with whoever started it. As root it is not bwrap that
 * becomes another user, for the folder may lie where that user could not go.
 */
export function bwrapArguments({ root, folder, program }: Place, asRoot: boolean): string[] {
  const bases = root === '/' ? ['/'] : ['/', root];
  const views = bases.map((base) => ({ base, hidden: hiddenIn(base) }));
  return [
    ...(asRoot ? KEPT_TO_BECOME_ANOTHER : ['--unshare-user', '--disable-userns']),
    ...['--unshare-ipc', '--unshare-pid', '--unshare-net', '--unshare-uts', '--unshare-cgroup-try'],
    // As its first process, so that bwrap waits for the end of everything, and is charged for it.
    ...['--new-session', '--die-with-parent', '--as-pid-1'],
    ...views.flatMap(({ base, hidden }) => [
      ...shown('--ro-bind', base),
      ...hidden.flatMap((path) => ['--tmpfs', path]),
    ]),
    ...['--dev-bind', '/dev/null', '/dev/null'],
    ...program.flatMap((path) => shown('--ro-bind', path)),
    ...[...shown('--bind', folder), '--chdir', folder],
    // Else they would be memory that no limit counts.
    ...views.flatMap(({ hidden }) => hidden.flatMap((path) => ['--remount-ro', path])),
  ];
}

const KEPT_TO_BECOME_ANOTHER = [
  ...['--cap-add', 'CAP_SETUID', '--cap-add', 'CAP_SETGID', '--cap-add', 'CAP_SETPCAP'],
];

/** bwrap makes what is missing above, where something is hidden, for its own user only. */
function shown(how: '--ro-bind' | '--bind', path: string): string[] {
  const above: string[] = [];
  for (let at = dirname(path); at !== '/'; at = dirname(at)) above.unshift(at);
  return [...above.flatMap((folder) => ['--perms', '0755', '--dir', folder]), how, path, path];
}

/** Links among them lead to others of them, or out of a foreign root. */
function hiddenIn(base: string): string[] {
  const isFolder = (path: string): boolean =>
    lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  return HIDDEN.map((name) => join(base, name)).filter(isFolder);
}

/**
 * nobody: it has nothing. `_apt` and `debshoal` own what apt and the daemon work with, which must
 * stay out of reach also where there is no sandbox.
 */
export const NOBODY: Identity = { uid: 65534, gid: 65534 };

const NO_RIGHTS: readonly string[] = ['--inh-caps=-all', '--bounding-set=-all'];

/** Arguments of setpriv(1): never again more rights than now, and of root's only those `kept`. */
export function setprivArguments(user: Identity | null, kept = NO_RIGHTS): string[] {
  const dropped = ['--no-new-privs', '--pdeathsig', 'SIGKILL'];
  if (user === null) return dropped;
  const { uid, gid } = user;
  return ['--reuid', `${uid}`, '--regid', `${gid}`, '--clear-groups', ...dropped, ...kept];
}
