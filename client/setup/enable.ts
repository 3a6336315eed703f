import { isDebshoalError } from '../../shared/errors.js';
import { openAptSystem } from '../apt/apt-system.js';
import {
  hasLocalRepository,
  removeLocalRepository,
} from '../apt/local-repository/local-repository.js';
import { readEffectiveSettings } from '../config/read-settings.js';
import type { ShareScope } from '../config/settings.js';
import { withRunLock } from '../store/run-lock.js';
import { findSnippets, linkSnippet, unlinkSnippets } from './apt-snippets.js';
import type { ServiceUnit } from './service-unit.js';
import { removeShareChoice, writeShareChoice } from './share-choice.js';

export interface Place {
  /** Absolute path of the system. */
  readonly root: string;
  /** Null where no systemd runs. */
  readonly unit: ServiceUnit | null;
}

/** Sentences. */
export interface Outcome {
  /** What has changed. Empty: everything was so already. */
  readonly done: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * Puts debshoal behind apt: the daemon first, so that it answers when apt asks. `share`: null leaves
 * the settings alone. A mistake in the settings is found before anything changes.
 */
export async function enable(place: Place, share: ShareScope | null): Promise<Outcome> {
  const { root, unit } = place;
  const snippets = await findSnippets(root);
  await readEffectiveSettings(root, share === null ? {} : { share });
  const done: string[] = [];
  const warnings: string[] = [];

  if (share !== null) {
    const path = await writeShareChoice(root, share);
    if (path !== null) done.push(`Wrote "Share: ${share}" into ${path}.`);
    const { settings, origins } = await readEffectiveSettings(root);
    if (settings.share !== share) {
      warnings.push(
        `Share stays ${settings.share}: ${origins.get('share') ?? ''} has the last word`,
      );
    }
    if (path !== null) await unit?.reload();
  }
  if (unit === null) {
    warnings.push('no systemd runs here: start `debshoal daemon` yourself');
  } else if (!(await unit.isEnabled()) || !(await unit.isActive())) {
    await unit.enable();
    done.push('Started the daemon, now and at each boot.');
  }
  for (const { name, state } of snippets) {
    if (state === 'foreign') warnings.push(`/etc/apt/apt.conf.d/${name} is not ours: left alone`);
    if (state !== 'missing') continue;
    await linkSnippet(root, name);
    done.push(`Linked /etc/apt/apt.conf.d/${name}.`);
  }
  return { done, warnings };
}

/** Takes all of that back: apt first, so that it never asks a daemon that is gone. */
export async function disable({ root, unit }: Place): Promise<Outcome> {
  const { done, warnings } = await removeExpanded(root);
  done.push(...(await unlinkSnippets(root)).map((name) => `Removed /etc/apt/apt.conf.d/${name}.`));
  if (unit !== null && ((await unit.isEnabled()) || (await unit.isActive()))) {
    await unit.disable();
    done.push('Stopped the daemon, now and at each boot.');
  }
  const path = await removeShareChoice(root);
  if (path !== null) done.push(`Removed ${path}.`);
  return { done, warnings };
}

/** With the snippets goes what would take expanded packages away later, so they go now. */
async function removeExpanded(root: string): Promise<{ done: string[]; warnings: string[] }> {
  if (!(await hasLocalRepository(root))) return { done: [], warnings: [] };
  try {
    const system = await openAptSystem(root);
    await withRunLock(root, () => removeLocalRepository(system));
    return { done: ['Removed the repository of expanded packages.'], warnings: [] };
  } catch (error) {
    if (!isDebshoalError(error)) throw error;
    const text = `apt still has our repository of expanded packages: ${error.message}; run \`debshoal clean --all\` later`;
    return { done: [], warnings: [text] };
  }
}
