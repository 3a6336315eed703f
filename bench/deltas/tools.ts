import { fileURLToPath } from 'node:url';

import type { Command } from '../measure/run-measured.js';

/** Where a tool finds its input and leaves its output; none of delta, out and scratch exists yet. */
export interface ToolFiles {
  readonly old: string;
  readonly new: string;
  readonly delta: string;
  readonly out: string;
  readonly scratch: string;
  readonly oldBytes: number;
  readonly newBytes: number;
}

/** A way of making and applying deltas. */
export interface DeltaTool {
  readonly name: string;
  /** One line for the help: what is run on what. */
  readonly definition: string;
  /** What must be in the PATH. */
  readonly programs: readonly string[];
  /** `deb`: from .deb to .deb. `tars`: on uncompressed tars, so nothing is compressed again. */
  readonly input: 'deb' | 'tars';
  readonly limit?: { readonly oldBytes: number; readonly reason: string };
  readonly diff: (files: ToolFiles) => readonly Command[];
  readonly apply: (files: ToolFiles) => readonly Command[];
}

/** A compiled command of ours, seen from dist/bench/deltas/. */
function ownCommand(side: 'generator' | 'client', ...args: string[]): Command {
  const cli = fileURLToPath(new URL(`../../${side}/cli.js`, import.meta.url));
  return [process.execPath, cli, ...args, '--json'];
}

export const DEBSHOAL: DeltaTool = {
  name: 'debshoal',
  definition: 'debshoal-generator diff (with its proof) and debshoal apply --old, .deb to .deb',
  programs: [],
  input: 'deb',
  diff: (files) => [ownCommand('generator', 'diff', files.old, files.new, files.delta)],
  apply: (files) => [ownCommand('client', 'apply', files.delta, files.out, '--old', files.old)],
};

/** The smallest n with 2^n at least `bytes`. */
function log2(bytes: number): number {
  return Math.max(0, Math.ceil(Math.log2(Math.max(1, bytes))));
}

/** xdelta3 takes from 512 KiB to 2 GiB. */
function sourceWindow({ oldBytes }: ToolFiles): string {
  return String(2 ** Math.min(31, Math.max(19, log2(oldBytes))));
}

/** zstd takes from 10 to 31; the window has to span the old file and the new one. */
function longWindow({ oldBytes, newBytes }: ToolFiles): string {
  return `--long=${Math.min(31, Math.max(10, log2(oldBytes + newBytes)))}`;
}

export const DEBDELTA: DeltaTool = {
  name: 'debdelta',
  definition: 'debdelta and debpatch, .deb to .deb',
  programs: ['debdelta', 'debpatch'],
  input: 'deb',
  diff: (files) => [['debdelta', files.old, files.new, files.delta]],
  // -A: a delta without a signature.
  apply: (files) => [['debpatch', '-A', files.delta, files.old, files.out]],
};

export const PEERS: readonly DeltaTool[] = [
  DEBDELTA,
  {
    name: 'xdelta3',
    definition: 'xdelta3 -9 -S lzma with a source window of the whole old file, on raw tars',
    programs: ['xdelta3'],
    input: 'tars',
    diff: (files) => [
      // prettier-ignore
      ['xdelta3', '-e', '-q', '-9', '-S', 'lzma', '-B', sourceWindow(files), '-s', files.old, files.new, files.delta],
    ],
    apply: (files) => [
      ['xdelta3', '-d', '-q', '-B', sourceWindow(files), '-s', files.old, files.delta, files.out],
    ],
  },
  {
    name: 'bsdiff',
    definition: 'bsdiff and bspatch, on raw tars',
    programs: ['bsdiff', 'bspatch'],
    input: 'tars',
    limit: { oldBytes: 100e6, reason: 'bsdiff needs 17 bytes of memory for each old one' },
    diff: (files) => [['bsdiff', files.old, files.new, files.delta]],
    apply: (files) => [['bspatch', files.old, files.out, files.delta]],
  },
  {
    name: 'zstd',
    definition: 'zstd -19 --patch-from with a window over both files, on raw tars',
    programs: ['zstd'],
    input: 'tars',
    diff: (files) => [
      // prettier-ignore
      ['zstd', '-q', '-19', longWindow(files), `--patch-from=${files.old}`, files.new, '-o', files.delta],
    ],
    apply: (files) => [
      // prettier-ignore
      ['zstd', '-q', '-d', longWindow(files), `--patch-from=${files.old}`, files.delta, '-o', files.out],
    ],
  },
  {
    name: 'hdiffz',
    definition: 'hdiffz -m-6 -SD without compression, its output through xz -9e, on raw tars',
    programs: ['hdiffz', 'hpatchz', 'xz'],
    input: 'tars',
    diff: (files) => [
      ['hdiffz', '-m-6', '-SD', files.old, files.new, files.scratch],
      ['xz', '-9e', '--suffix=.xz', files.scratch],
      ['mv', `${files.scratch}.xz`, files.delta],
    ],
    apply: (files) => [
      ['cp', files.delta, `${files.scratch}.xz`],
      ['xz', '-d', `${files.scratch}.xz`],
      ['hpatchz', files.old, files.scratch, files.out],
    ],
  },
];

/** Debian's packages of these programs. */
export const PEER_PACKAGES = ['debdelta', 'xdelta3', 'bsdiff', 'zstd', 'xz-utils'];
