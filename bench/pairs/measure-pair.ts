import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { withTemporaryFolder } from '../../shared/io/files.js';
import { hashFile } from '../../shared/io/hash.js';
import { runTool } from '../../shared/io/run-tool.js';
import { isDebshoalError } from '../../shared/errors.js';

/** Two versions of one package on disk. */
export interface Pair {
  readonly name: string;
  readonly oldDeb: string;
  readonly newDeb: string;
}

/** Bytes, wall-clock seconds, and peak resident memory of one process each. */
export interface PairResult {
  readonly name: string;
  readonly fullBytes: number;
  readonly deltaBytes: number;
  readonly debdeltaBytes: number | null;
  readonly diffSeconds: number;
  readonly debdeltaSeconds: number | null;
  readonly rebuildSeconds: number;
  readonly recompressSeconds: number;
  readonly diffPeakBytes: number;
  readonly rebuildPeakBytes: number;
  readonly exact: boolean;
}

/** The pairs NAME/{old,new}.deb below a folder. */
export async function listPairs(folder: string): Promise<Pair[]> {
  const names = (await readdir(folder, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
  return names.map((name) => ({
    name,
    oldDeb: join(folder, name, 'old.deb'),
    newDeb: join(folder, name, 'new.deb'),
  }));
}

const MAX_OUTPUT = 1 << 20;

/** Runs the real commands, each in a process of its own, and compares the result. */
export async function measurePair(pair: Pair, signal: AbortSignal): Promise<PairResult> {
  return withTemporaryFolder(async (folder) => {
    const delta = join(folder, 'delta');
    const out = join(folder, 'out.deb');
    const diff = await runCommand('generator', ['diff', pair.oldDeb, pair.newDeb, delta], signal);
    const apply = await runCommand('client', ['apply', delta, out, '--old', pair.oldDeb], signal);
    const [rebuilt, wanted] = [await hashFile(out), await hashFile(pair.newDeb)];
    return {
      name: pair.name,
      fullBytes: diff.newBytes,
      deltaBytes: diff.deltaBytes,
      ...(await measureDebdelta(pair, folder, signal)),
      diffSeconds: diff.seconds.total,
      rebuildSeconds: apply.seconds.total,
      recompressSeconds: apply.seconds.recompress ?? 0,
      diffPeakBytes: diff.peakRssBytes,
      rebuildPeakBytes: apply.peakRssBytes,
      exact: rebuilt.sha256 === wanted.sha256,
    };
  });
}

/** The `--json` of diff and apply. */
interface CommandResult {
  readonly newBytes: number;
  readonly deltaBytes: number;
  readonly seconds: { readonly total: number; readonly recompress?: number };
  readonly peakRssBytes: number;
}

async function runCommand(
  side: 'generator' | 'client',
  args: readonly string[],
  signal: AbortSignal,
): Promise<CommandResult> {
  const cli = fileURLToPath(new URL(`../../${side}/cli.js`, import.meta.url));
  const { stdout } = await runTool(process.execPath, [cli, ...args, '--json'], {
    maxOutput: MAX_OUTPUT,
    signal,
  });
  return JSON.parse(stdout.toString()) as CommandResult;
}

/** Debian's package debdelta; null where it is not installed. */
async function measureDebdelta(
  { oldDeb, newDeb }: Pair,
  folder: string,
  signal: AbortSignal,
): Promise<Pick<PairResult, 'debdeltaBytes' | 'debdeltaSeconds'>> {
  const delta = join(folder, 'debdelta');
  const started = performance.now();
  try {
    await runTool('debdelta', [oldDeb, newDeb, delta], { maxOutput: MAX_OUTPUT, signal });
  } catch (error) {
    if (isDebshoalError(error, 'tool-failed'))
      return { debdeltaBytes: null, debdeltaSeconds: null };
    throw error;
  }
  const debdeltaSeconds = (performance.now() - started) / 1000;
  return { debdeltaBytes: (await stat(delta)).size, debdeltaSeconds };
}
