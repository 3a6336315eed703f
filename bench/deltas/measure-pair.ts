import { stat } from 'node:fs/promises';
import { join } from 'node:path';

import { DebshoalError, isDebshoalError, withCode } from '../../shared/errors.js';
import { withTemporaryFolder } from '../../shared/io/files.js';
import { hashFile } from '../../shared/io/hash.js';
import { runMeasured, type Cost, type MeasureOptions } from '../measure/run-measured.js';
import type { Pair } from '../pair-list.js';
import { writeRawTars } from './raw-tars.js';
import { DEBSHOAL, type DeltaTool, type ToolFiles } from './tools.js';

/** What one tool did with one pair. */
export type ToolResult =
  | {
      readonly kind: 'measured';
      readonly deltaBytes: number;
      readonly diff: Cost;
      readonly apply: Cost;
      /** Wall-clock time until the .deb is there; null for a tool that leaves tars. */
      readonly applySecondsWithRecompression: number | null;
      /** The same less what bit-exact compression takes; null where the tool cannot tell. */
      readonly applySecondsWithoutRecompression: number | null;
      /** Whether the output is the new .deb, or the new tars, to the bit. */
      readonly isExact: boolean;
    }
  | { readonly kind: 'skipped'; readonly reason: string }
  | { readonly kind: 'failed'; readonly code: string; readonly error: string };

export interface PairResult {
  readonly name: string;
  /** Of the .debs; null when there is none. */
  readonly oldBytes: number | null;
  readonly newBytes: number | null;
  /** By name of the tool. */
  readonly results: Readonly<Record<string, ToolResult>>;
}

type Options = Omit<MeasureOptions, 'folder'>;

/** Runs each tool on a pair, one after the other. Only an interrupt ends it early. */
export async function measurePair(
  pair: Pair,
  tools: readonly DeltaTool[],
  options: Options,
): Promise<PairResult> {
  return withTemporaryFolder(async (folder) => {
    const debs = { old: pair.oldDeb, new: pair.newDeb };
    const tars = { old: join(folder, 'old.tars'), new: join(folder, 'new.tars') };
    // Made once, when the first tool wants them; a failure is the failure of each of these tools.
    let written: Promise<unknown> | null = null;
    const inputOf = async ({ input }: DeltaTool): Promise<{ old: string; new: string }> => {
      if (input === 'deb') return debs;
      written ??= Promise.all([
        writeRawTars(debs.old, tars.old, options.signal),
        writeRawTars(debs.new, tars.new, options.signal),
      ]);
      await written;
      return tars;
    };
    const results: Record<string, ToolResult> = {};
    for (const tool of tools) {
      results[tool.name] = await caught(async () => runTool(tool, await inputOf(tool), options));
    }
    const [oldBytes, newBytes] = await Promise.all([sizeOf(debs.old), sizeOf(debs.new)]);
    return { name: pair.name, oldBytes, newBytes, results };
  });
}

async function sizeOf(path: string): Promise<number | null> {
  return stat(path).then(
    ({ size }) => size,
    () => null,
  );
}

/** A broken pair is a row of the table with its error. */
async function caught(measure: () => Promise<ToolResult>): Promise<ToolResult> {
  try {
    return await measure();
  } catch (thrown) {
    const error = withCode(thrown);
    if (!isDebshoalError(error) || error.code === 'interrupted') throw error;
    return { kind: 'failed', code: error.code, error: error.message };
  }
}

async function runTool(
  tool: DeltaTool,
  input: { readonly old: string; readonly new: string },
  options: Options,
): Promise<ToolResult> {
  return withTemporaryFolder(async (folder) => {
    const files: ToolFiles = {
      ...input,
      delta: join(folder, 'delta'),
      out: join(folder, 'out.deb'),
      scratch: join(folder, 'scratch'),
      oldBytes: (await stat(input.old)).size,
      newBytes: (await stat(input.new)).size,
    };
    const { limit } = tool;
    if (limit !== undefined && files.oldBytes > limit.oldBytes) {
      return { kind: 'skipped', reason: limit.reason };
    }
    const diff = await runMeasured(tool.diff(files), { ...options, folder });
    const apply = await runMeasured(tool.apply(files), { ...options, folder });
    const [made, wanted] = [await hashFile(files.out), await hashFile(files.new)];
    const { wallSeconds } = apply.cost;
    return {
      kind: 'measured',
      deltaBytes: (await stat(files.delta)).size,
      diff: diff.cost,
      apply: apply.cost,
      applySecondsWithRecompression: tool.input === 'deb' ? wallSeconds : null,
      applySecondsWithoutRecompression:
        tool.input === 'tars' ? wallSeconds : withoutRecompression(tool, wallSeconds, apply.stdout),
      isExact: made.sha256 === wanted.sha256,
    };
  });
}

/** Ours says how long it compressed. */
function withoutRecompression(tool: DeltaTool, wallSeconds: number, stdout: string): number | null {
  if (tool !== DEBSHOAL) return null;
  const { seconds } = JSON.parse(stdout) as { seconds?: { compress?: number } };
  if (seconds?.compress === undefined) {
    throw new DebshoalError('tool-failed', 'debshoal apply --json has no seconds.compress');
  }
  return Math.max(0, wallSeconds - seconds.compress);
}
