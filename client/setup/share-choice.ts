import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { exists, readIfPresent, writeFileAtomically } from '../../shared/io/files.js';
import { LIMITS } from '../../shared/limits.js';
import { SETTINGS_FOLDER } from '../config/read-settings.js';
import type { ShareScope } from '../config/settings.js';

/** In the middle of conf.d, so that an administrator's files can stand before it and after it. */
const FILE = `${SETTINGS_FOLDER}/50-enable.conf`;

/** Writes who may get packages from here; the path, or null when it said so already. */
export async function writeShareChoice(root: string, share: ShareScope): Promise<string | null> {
  const path = join(root, FILE);
  const text = `# Written by "debshoal enable --share"; "debshoal disable" removes it.\nShare: ${share}\n`;
  if ((await readIfPresent(path, LIMITS.configBytes))?.toString() === text) return null;
  await writeFileAtomically(path, text);
  return path;
}

/** The path of what was removed, or null. */
export async function removeShareChoice(root: string): Promise<string | null> {
  const path = join(root, FILE);
  if (!(await exists(path))) return null;
  await rm(path);
  return path;
}
