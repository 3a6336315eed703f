import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import type { Chroot } from './chroot.js';

/**
 * Runs the system bus of a chroot until `action` has ended, without systemd: the bus itself starts
 * the services that are asked for, such as PackageKit and polkit, and they end with it.
 */
export async function withSystemBus(
  { folder }: Chroot,
  action: () => Promise<unknown>,
): Promise<void> {
  await mkdir(join(folder, 'run/dbus'), { recursive: true });
  const args = [folder, 'dbus-daemon', '--system', '--nofork', '--nopidfile', '--print-address'];
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', LC_ALL: 'C' };
  const bus = spawn('chroot', args, { env, stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = once(bus, 'close');
  try {
    const address = once(createInterface(bus.stdout), 'line');
    await Promise.race([
      address,
      ended.then(([status]) => {
        throw new Error(`the bus ended: ${String(status)}`);
      }),
    ]);
    await action();
  } finally {
    bus.kill();
    await ended;
  }
}
