import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';

import { DebshoalError } from '../../shared/errors.js';

/**
 * Writes control.tar and data.tar of a .deb, uncompressed and one after the other, as dpkg-deb
 * gives them: what general tools can find similarities in. Returns their length.
 */
export async function writeRawTars(
  deb: string,
  target: string,
  signal: AbortSignal,
): Promise<number> {
  const file = await open(target, 'wx');
  try {
    for (const option of ['--ctrl-tarfile', '--fsys-tarfile']) {
      const child = spawn('dpkg-deb', [option, deb], {
        stdio: ['ignore', file.fd, 'pipe'],
        signal,
      });
      let stderr = '';
      child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
      const [status] = (await once(child, 'close')) as [number | null];
      if (status !== 0) throw new DebshoalError('deb-malformed', `${deb}: ${stderr.trim()}`);
    }
    return (await file.stat()).size;
  } finally {
    await file.close();
  }
}
