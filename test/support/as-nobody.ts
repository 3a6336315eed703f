import { fileURLToPath } from 'node:url';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
export const NOBODY = 65534;

/** The clone may lie where nobody can read; a mount that goes with the process shows it elsewhere. */
const SCRIPT = `mount --bind "$1" "$2" && shift 2 &&
exec setpriv --reuid ${NOBODY} --regid ${NOBODY} --clear-groups --no-new-privs "$@"`;

/**
 * What root puts before a command to run it as an ordinary user (needs setpriv and unshare), with
 * this project to be seen in the empty folder `project`.
 */
export function asNobody(project: string): string[] {
  return ['unshare', '--mount', 'sh', '-ec', SCRIPT, 'sh', PROJECT, project];
}
