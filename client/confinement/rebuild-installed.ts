import type { DebForm } from '../../shared/deb/deb-forms.js';
import { compress } from '../../shared/deb/compression.js';
import type { FileIdentity } from '../../shared/delta/delta.js';
import { rebuildDeb, type RebuildResult } from '../../shared/delta/rebuild.js';
import { openInstalledSource, type InstalledIdentity } from '../apt/installed-source.js';

export interface RebuildTask {
  readonly deltaPath: string;
  readonly root: string;
  readonly old: InstalledIdentity;
  readonly form: DebForm;
  /** What the signed index says that form is. */
  readonly expected: FileIdentity;
  readonly target: string;
  readonly temporaryParent: string;
  /** For the compressor of this one package. */
  readonly threads: number;
  /** Listed path → file, for those that a worker may not read where they are. */
  readonly given?: Readonly<Record<string, string>>;
}

/** Either the .deb is at `target`, or files are missing that somebody else has to read. */
export type InstalledResult = RebuildResult | { readonly unreadable: readonly string[] };

/** What a worker does: all that is decided by the bytes of a delta. */
export async function rebuildInstalled(task: RebuildTask): Promise<InstalledResult> {
  const installed = await openInstalledSource(task.root, task.old, task.given);
  try {
    return await rebuildDeb(task.deltaPath, installed, task.target, {
      form: task.form,
      expected: task.expected,
      compressMember: (part, raw) => compress(part.recipe, raw, task.threads),
      temporaryParent: task.temporaryParent,
    });
  } catch (error) {
    const unreadable = await installed.unreadable();
    if (unreadable.length > 0) return { unreadable };
    throw error;
  }
}
