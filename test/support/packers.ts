import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/*
 * Packed files by other programs than ours: Python links the system's zlib, the canonical one.
 */

const ZLIB = `
import sys, zlib
level, memory, strategy, bits = map(int, sys.argv[1:])
encoder = zlib.compressobj(level, zlib.DEFLATED, bits, memory, strategy)
data = sys.stdin.buffer.read()
sys.stdout.buffer.write(encoder.compress(data) + encoder.flush())
`;

export interface ZlibSettings {
  readonly level?: number;
  readonly memLevel?: number;
  readonly strategy?: number;
  /** 9 to 15 with a zlib header, negative without, 31 with a gzip header. */
  readonly windowBits?: number;
}

/** Canonical zlib's bytes. */
export function packWithZlib(content: Uint8Array, settings: ZlibSettings = {}): Buffer {
  const { level = 6, memLevel = 8, strategy = 0, windowBits = 15 } = settings;
  const numbers = [level, memLevel, strategy, windowBits].map(String);
  return execFileSync('python3', ['-c', ZLIB, ...numbers], OPTIONS(content));
}

/** The output of a filter such as `gzip -9n`. */
export function filter(command: string, args: readonly string[], content: Uint8Array): Buffer {
  return execFileSync(command, args, OPTIONS(content));
}

const OPTIONS = (input: Uint8Array): { input: Uint8Array; maxBuffer: number; stdio: 'pipe' } => ({
  input,
  maxBuffer: 1 << 28,
  stdio: 'pipe',
});

/** A zip of these files by Info-ZIP, in `folder`. */
export function packWithZip(
  folder: string,
  files: Readonly<Record<string, Uint8Array>>,
  args: readonly string[] = [],
): Buffer {
  writeFiles(folder, files);
  execFileSync('zip', ['-q', ...args, 'made.zip', ...Object.keys(files)], { cwd: folder });
  return readFileSync(join(folder, 'made.zip'));
}

const ZIPFILE = `
import sys, zipfile
level = int(sys.argv[1])
with zipfile.ZipFile('made.zip', 'w', zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
    for name in sys.argv[2:]:
        archive.write(name, compress_type=zipfile.ZIP_STORED if name == 'mimetype' else None)
`;

/** A zip of these files by Python's zipfile (as wheels are made), in `folder`; mimetype is stored. */
export function packWithZipfile(
  folder: string,
  files: Readonly<Record<string, Uint8Array>>,
  level = 6,
): Buffer {
  writeFiles(folder, files);
  const args = ['-c', ZIPFILE, String(level), ...Object.keys(files)];
  execFileSync('python3', args, { cwd: folder });
  return readFileSync(join(folder, 'made.zip'));
}

function writeFiles(folder: string, files: Readonly<Record<string, Uint8Array>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
}
