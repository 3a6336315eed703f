import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';

import { readArMembers } from '../../shared/deb/ar.js';
import { compress } from '../../shared/deb/compression.js';
import { openOldDeb } from '../../shared/delta/old-deb.js';
import { rebuildDeb } from '../../shared/delta/rebuild.js';
import { readExactly, withTemporaryFolder } from '../../shared/io/files.js';
import { answerTasks } from '../../shared/io/worker-pool.js';

export interface WorkTask {
  readonly deltaPath: string;
  readonly oldDeb: string;
  readonly newDeb: string;
}

/** CPU seconds of the process and of what it started. */
export interface WorkSeconds {
  /** Everything but compressing. */
  readonly decode: number;
  readonly compress: number;
}

async function measure({ deltaPath, oldDeb, newDeb }: WorkTask): Promise<WorkSeconds> {
  return withTemporaryFolder(async (folder) => {
    const old = await openOldDeb(oldDeb, join(folder, 'image'));
    const deb = await open(newDeb, 'r');
    let compressing = 0;
    try {
      const members = await readArMembers(deb, (await deb.stat()).size);
      const before = cpuSeconds();
      await rebuildDeb(deltaPath, old, join(folder, 'out.deb'), {
        temporaryParent: folder,
        async *compressMember(part, raw) {
          // Apart from decoding, so that each has the processor's clock for itself.
          const tar: Uint8Array[] = [];
          for await (const chunk of raw) tar.push(Buffer.from(chunk));
          const started = cpuSeconds();
          // eslint-disable-next-line @typescript-eslint/no-unused-vars -- only the time counts
          for await (const _ of compress(part.recipe, chunksOf(tar))) continue;
          compressing += cpuSeconds() - started;
          const packed = members.find(({ name }) => name.startsWith(`${part.name}.tar`));
          if (packed === undefined) throw new Error(`no ${part.name}.tar`);
          yield await readExactly(deb, packed.offset, packed.size);
        },
      });
      const total = cpuSeconds() - before;
      return { decode: total - compressing, compress: compressing };
    } finally {
      await deb.close();
      await old.close();
    }
  });
}

// eslint-disable-next-line @typescript-eslint/require-await -- what encoders read from
async function* chunksOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

/** proc(5): clock ticks, a hundred a second, of the children that have ended. */
function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  const fields = readFileSync('/proc/self/stat', 'latin1').split(') ')[1]?.split(' ') ?? [];
  const ticks = Number(fields[13]) + Number(fields[14]);
  return (user + system) / 1e6 + ticks / 100;
}

answerTasks(measure);
