import { createReadStream, type ReadStream } from 'node:fs';

import { expandDeb, findTar, type DebTar } from '../../shared/deb/expand-deb.js';
import type { DebStreams } from './scratch-root.js';

/** The tars of a .deb, by way of a file at `imagePath`, which must not exist yet. */
export async function openDebStreams(deb: string, imagePath: string): Promise<DebStreams> {
  const { parts } = await expandDeb(deb, imagePath);
  const read = (name: DebTar['name']): ReadStream => {
    const { imageOffset: start, length } = findTar(parts, name);
    return createReadStream(imagePath, { start, end: start + length - 1 });
  };
  return { control: read('control'), data: read('data') };
}
