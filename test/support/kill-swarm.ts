import type { Swarm } from '../../shared/swarm/swarm.js';

/**
 * Kills the process of a swarm, as soon as there is one other than `before`; its number. There is
 * none while it is started again, and to kill number 0 would be to kill the whole test run.
 */
export async function killSwarm(swarm: Swarm, before?: number): Promise<number> {
  for (;;) {
    const pid = swarm.pid();
    if (pid !== null && pid !== before) {
      process.kill(pid, 'SIGKILL');
      return pid;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
