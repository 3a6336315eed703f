import { chmod, mkdir, readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { runTool } from '../../shared/io/run-tool.js';

const REPREPRO_HOOK = fileURLToPath(
  new URL('../../packaging/reprepro/debshoal-index', import.meta.url),
);
const MAX_OUTPUT = 1024 * 1024;

export interface ArchiveOptions {
  readonly suite: string;
  readonly architectures: readonly string[];
  /** With a throw-away key (needs gpg); otherwise sources say `[trusted=yes]`. */
  readonly signed?: boolean;
  /** The tree that debshoal-generator publishes: its index is then listed in the signed Release. */
  readonly deltas?: string;
}

/** A Debian archive that reprepro keeps in a folder. */
export interface Archive {
  /** What an HTTP server shall serve: dists/ and pool/. */
  readonly folder: string;
  /** The public key for `signed-by` (binary); null when the archive is not signed. */
  readonly keyFile: string | null;
  /** Includes .debs. A newer version replaces the older one, whose file reprepro deletes. */
  add(debs: readonly string[]): Promise<void>;
  /** Writes the indexes anew, also when no package has changed. */
  export(): Promise<void>;
  /** The line for sources.list, when the archive is served at `url`. */
  sourceLine(url: string, keyFile?: string): string;
}

/** Makes an empty archive with component `main` in the (empty) folder `base`. */
export async function makeArchive(base: string, options: ArchiveOptions): Promise<Archive> {
  const folder = join(base, 'archive');
  const home = join(base, 'gnupg');
  const { deltas } = options;
  const env = { ...process.env, GNUPGHOME: home, LC_ALL: 'C', ...(deltas && { DELTAS: deltas }) };
  const run = (tool: string, args: readonly string[]): Promise<unknown> =>
    runTool(tool, args, { maxOutput: MAX_OUTPUT, env });
  const keyFile = options.signed === true ? join(base, 'archive-key.gpg') : null;
  if (keyFile !== null) {
    await mkdir(home, { recursive: true, mode: 0o700 });
    const silent = ['--batch', '--quiet', '--passphrase', ''];
    const user = 'Test archive <archive@example.invalid>';
    await run('gpg', [...silent, '--quick-generate-key', user, 'ed25519', 'sign', 'never']);
    await run('gpg', ['--batch', '--output', keyFile, '--export']);
    await chmod(keyFile, 0o644);
  }
  await mkdir(join(folder, 'conf'), { recursive: true });
  const distribution = [
    `Codename: ${options.suite}`,
    `Suite: ${options.suite}`,
    `Architectures: ${options.architectures.join(' ')}`,
    'Components: main',
    'Origin: Lab',
    'Label: test',
    ...(deltas === undefined ? [] : [`DebIndices: Packages Release . .gz .xz ${REPREPRO_HOOK}`]),
    ...(keyFile === null ? [] : ['SignWith: yes']),
  ];
  await writeFile(join(folder, 'conf', 'distributions'), `${distribution.join('\n')}\n`);
  const change = async (commands: readonly (readonly string[])[]): Promise<void> => {
    const before = await releaseSecond(folder, options.suite);
    for (const command of commands) {
      await run('reprepro', ['--silent', '--silent', '-b', folder, ...command]);
    }
    if (keyFile !== null) await run('gpgconf', ['--kill', 'gpg-agent']);
    // HTTP tells times by the second: apt would be told that nothing has changed since the last.
    const after = await releaseSecond(folder, options.suite);
    if (after > 0 && after <= before) await setReleaseSecond(folder, options.suite, before + 1);
  };
  return {
    folder,
    keyFile,
    add: async (debs) => {
      // reprepro wants a section and a priority; not every .deb has them.
      const defaults = ['-S', 'misc', '-P', 'optional'];
      await change(debs.map((deb) => [...defaults, 'includedeb', options.suite, deb]));
    },
    export: () => change([['export']]),
    sourceLine: (url, key) => {
      const trust = key === undefined ? 'trusted=yes' : `signed-by=${key}`;
      return `deb [${trust}] ${url} ${options.suite} main\n`;
    },
  };
}

const RELEASES = ['InRelease', 'Release', 'Release.gpg'];

/** When the suite was published last; 0 for never. */
async function releaseSecond(folder: string, suite: string): Promise<number> {
  const found = await stat(join(folder, 'dists', suite, 'Release')).catch(() => null);
  return found === null ? 0 : Math.floor(found.mtimeMs / 1000);
}

async function setReleaseSecond(folder: string, suite: string, second: number): Promise<void> {
  const names = await readdir(join(folder, 'dists', suite));
  for (const name of names.filter((file) => RELEASES.includes(file))) {
    await utimes(join(folder, 'dists', suite, name), second, second);
  }
}
