import { join } from 'node:path';

import { exactForm } from '../../shared/deb/deb-forms.js';
import type { ExpandedDeb } from '../../shared/deb/expand-deb.js';
import { openDelta } from '../../shared/delta/container.js';
import { hasExactForm } from '../../shared/delta/delta.js';
import { readEnvelope } from '../../shared/delta/envelope.js';
import type { OldPackage } from '../../shared/delta/old-package.js';
import { rebuildDeb } from '../../shared/delta/rebuild.js';
import { DebshoalError } from '../../shared/errors.js';
import { hashExact } from './hash-forms.js';
import type { ProvenPacks } from './nested/proven-packs.js';

/**
 * Proves the forms of a delta. The expanded form is rebuilt from the delta and the old package; its
 * hash was made from the tars of the real .deb, so that they are rebuilt, too. `findPacking` has
 * proven, in this run and with this encoder, that the recipes turn these tars into the packed bytes: for the exact form it is left to see that what the delta puts around these gives
 * the published .deb. Running xz a second time would be most of the time of a diff. The same goes
 * for the streams within files.
 */
export async function proveDelta(
  deltaPath: string,
  old: OldPackage,
  newDeb: ExpandedDeb,
  folder: string,
  proven: ProvenPacks,
): Promise<void> {
  const target = join(folder, 'rebuilt.deb');
  await rebuildDeb(deltaPath, old, target, {
    form: 'expanded',
    packNested: (jobs) => proven.pack(jobs),
    temporaryParent: folder,
  });
  const delta = await openDelta(deltaPath);
  if (!hasExactForm(delta.header.parts)) return;
  const exact = await hashExact(newDeb, exactForm(delta.header.parts, readEnvelope(delta)));
  if (exact.sha256 !== delta.header.target.sha256) {
    throw new DebshoalError('hash-mismatch', 'the exact form differs from the published .deb');
  }
}
