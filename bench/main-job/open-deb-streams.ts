import { createReadStream } from 'node:fs';

import { expandDeb } from '../../shared/deb/expand-deb.js';
import type { DebStreams } from './scratch-root.js';

/** The tars of a .deb, by way of a file at `imagePath`, which must not exist yet. */
export async function openDebStreams(deb: string, imagePath: string): Promise<DebStreams> {
  const { parts } = await expandDeb(deb, imagePath);
  const [control, data] = parts.flatMap((part) =>
    part.kind === 'member'
      ? [
          createReadStream(imagePath, {
            start: part.imageOffset,
            end: part.imageOffset + part.length - 1,
          }),
        ]
      : [],
  );
  if (!control || !data) throw new Error('expandDeb saw both members');
  return { control, data };
}
