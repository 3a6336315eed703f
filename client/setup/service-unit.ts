import { join } from 'node:path';

import { exists } from '../../shared/io/files.js';
import { runTool } from '../../shared/io/run-tool.js';

const UNIT = 'debshoal.service';
const MAX_OUTPUT = 64 * 1024;

/** systemd as far as our service goes; null where it does not run, as in a container (sd_booted(3)). */
export interface ServiceUnit {
  isEnabled(): Promise<boolean>;
  isActive(): Promise<boolean>;
  enable(): Promise<void>;
  disable(): Promise<void>;
  /** When it runs: it reads its settings again. */
  reload(): Promise<void>;
}

export async function findServiceUnit(root = '/'): Promise<ServiceUnit | null> {
  if (!(await exists(join(root, 'run/systemd/system')))) return null;
  const ask = async (verb: string): Promise<boolean> => {
    // 1, 3, 4: disabled, inactive, unknown (systemctl(1)).
    const options = { maxOutput: MAX_OUTPUT, acceptStatus: [0, 1, 3, 4] };
    return (await runTool('systemctl', ['--quiet', verb, UNIT], options)).status === 0;
  };
  const tell = async (...words: readonly string[]): Promise<void> => {
    await runTool('systemctl', ['--quiet', ...words, UNIT], { maxOutput: MAX_OUTPUT });
  };
  return {
    isEnabled: () => ask('is-enabled'),
    isActive: () => ask('is-active'),
    enable: () => tell('enable', '--now'),
    disable: () => tell('disable', '--now'),
    reload: () => tell('try-reload-or-restart'),
  };
}
