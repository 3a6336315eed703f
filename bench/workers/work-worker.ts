import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';

import { compress } from '../../shared/deb/compression.js';
import type { MemberPart } from '../../shared/delta/delta.js';
import { openDelta } from '../../shared/delta/container.js';
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
  const { header } = await openDelta(deltaPath);
  return withTemporaryFolder(async (folder) => {
    const old = await openOldDeb(oldDeb, join(folder, 'image'));
    const deb = await open(newDeb, 'r');
    let compressing = 0;
    try {
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
          yield await readExactly(deb, offsetOf(header.parts, part), part.packedLength);
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

/** Where the packed bytes of a member are in the .deb. */
function offsetOf(
  parts: readonly ({ kind: 'literal'; length: number } | MemberPart)[],
  of: MemberPart,
): number {
  let at = 0;
  for (const part of parts) {
    if (part.kind === 'member' && part.name === of.name) return at;
    at += part.kind === 'member' ? part.packedLength : part.length;
  }
  throw new Error(`no ${of.name}.tar`);
}

/** proc(5): clock ticks, a hundred a second, of the children that have ended. */
function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  const fields = readFileSync('/proc/self/stat', 'latin1').split(') ')[1]?.split(' ') ?? [];
  const ticks = Number(fields[13]) + Number(fields[14]);
  return (user + system) / 1e6 + ticks / 100;
}

answerTasks(measure);
