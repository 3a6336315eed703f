import { isDebshoalError } from '../../shared/errors.js';
import { askStatus, SOCKET } from '../service/ask-status.js';
import { findSnippets } from '../setup/apt-snippets.js';
import type { Findings } from './finding.js';

/** Whether it answers; none is needed as long as apt does not ask. */
export async function checkDaemon(
  root: string,
  version: string,
  found: Findings,
  socket = SOCKET,
): Promise<void> {
  try {
    const status = await askStatus(socket);
    found.ok(`version ${status.version} runs since ${status.since}`);
    if (status.version !== version) {
      const text = `it is not of the version that is installed, ${version}`;
      found.warning(text, 'Run `systemctl restart debshoal`.');
    }
    if (status.obstacle !== null) {
      const text = `it leaves every package to the mirror: ${status.obstacle}`;
      const advice =
        status.confinement.level === 'sandbox'
          ? '`debshoal config` says who set Fetch.'
          : 'Let bubblewrap make namespaces for user debshoal: see bwrap(1); or `Sandbox: preferred`.';
      found.warning(text, advice);
    } else if (status.confinement.level !== 'sandbox') {
      const text = `it applies deltas without a sandbox: ${status.confinement.detail}`;
      found.warning(text, 'Let bubblewrap make namespaces for user debshoal: see bwrap(1).');
    }
  } catch (error) {
    if (!isDebshoalError(error)) throw error;
    // Without the package there are none.
    const snippets = await findSnippets(root).catch(() => []);
    const isWanted = snippets.some(({ state }) => state === 'linked');
    if (isWanted) {
      const advice = 'Look at `systemctl status debshoal` and `journalctl -u debshoal`.';
      found.problem(`${error.message}: packages come from the mirror`, advice);
    } else found.warning(error.message, 'Run `debshoal enable`.');
  }
}
