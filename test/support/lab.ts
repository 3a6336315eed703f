import { readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { writePlainArchive } from '../../bench/main-job/plain-archive.js';
import { makeScratchRoot } from '../../bench/main-job/scratch-root.js';
import { openAptSystem } from '../../client/apt/apt-system.js';
import type { FetchReport, PackageResult } from '../../client/steps/report-fetch.js';
import { homePaths, type HomePaths } from '../../generator/home/home-paths.js';
import { sha256 } from '../../shared/io/hash.js';
import { runTool } from '../../shared/io/run-tool.js';
import { runCli, type CliResult } from './cli.js';
import { controlOf, openDeb } from './dpkg-deb.js';
import { cacheName, type FixturePair } from './fixture-pairs.js';
import { serveWithLog, type HttpLog, type Misbehave } from './http-log.js';

export const LAB_SUITE = 'lab';
/** Nobody listens there: discard(9) is long gone. */
const DEAD = 'http://127.0.0.1:9';

export interface FetchRun extends CliResult {
  /** Undefined when it failed as a whole. */
  readonly report: FetchReport | undefined;
  readonly package: (pair: FixturePair) => PackageResult;
}

/** A system of its own that has the old versions, and apt's newest lists. */
export interface LabSystem {
  readonly root: string;
  /** The real `debshoal fetch --json`; sources are configured below the root. */
  fetch(...args: string[]): Promise<FetchRun>;
  /** Arguments for what `fetch` runs, to start it by hand. */
  fetchArguments(...args: string[]): string[];
  /** apt downloads what is left; every new .deb must then be there, byte for byte. */
  aptDownloads(): Promise<void>;
  /** Files of apt's cache, of ours, and leftovers in our folders. */
  files(folder: string): Promise<string[]>;
}

/**
 * Old and new versions of some packages, published by the real generator, served by a mirror and a
 * site that tests can make misbehave. No Debian tool but apt and dpkg-deb, no privileges.
 */
export interface Lab {
  readonly home: HomePaths;
  /** The published tree. */
  readonly out: string;
  readonly mirror: HttpLog;
  readonly site: HttpLog;
  readonly pairs: readonly FixturePair[];
  /** Until `behave`: what the servers do instead of serving a file. */
  misbehave(where: 'mirror' | 'site', how: Misbehave): void;
  behave(): void;
  /** A fresh system; `url` instead of the site's, when the test has its own. */
  system(options?: { url?: string }): Promise<LabSystem>;
  /** A folder below the lab's own, removed with it. */
  folder(name: string): Promise<string>;
  close(): Promise<void>;
}

/** Publishes the upgrade of `pairs` with the given trackers; by default one that is dead. */
export async function makeLab(
  pairs: readonly FixturePair[],
  announce: readonly string[] = [`${DEAD}/announce`],
): Promise<Lab> {
  const base = await mkdtemp(join(tmpdir(), '.debshoal-lab-'));
  const [archive, out, home] = [join(base, 'archive'), join(base, 'out'), join(base, 'home')];
  for (const folder of [archive, out]) await mkdir(folder);
  const unruly: { mirror: Misbehave | null; site: Misbehave | null } = { mirror: null, site: null };
  const mirror = await serveWithLog(archive, (...args) => unruly.mirror?.(...args) ?? false);
  const site = await serveWithLog(out, (...args) => unruly.site?.(...args) ?? false);

  await generator('init', '--home', home, '--name', 'Lab', '--email', 'lab@example.org');
  const paths = homePaths(home);
  await writeFile(paths.config, `Announce: ${announce.join(' ')}\n`);
  const publish = async (version: 'oldDeb' | 'newDeb'): Promise<void> => {
    await writePlainArchive(archive, {
      suite: LAB_SUITE,
      architectures: ['amd64'],
      debs: pairs.map((pair) => pair[version]),
      controlOf,
    });
    await generator('publish', archive, '--out', out, '--home', home);
  };
  await publish('oldDeb');
  const pristine = join(base, 'system');
  await makeScratchRoot(pristine, {
    debs: pairs.map((pair) => pair.oldDeb),
    upgrades: pairs.map((pair) => pair.newDeb),
    archiveUrl: `${mirror.url}/`,
    suite: LAB_SUITE,
    architecture: 'amd64',
    openDeb,
  });
  await publish('newDeb');
  await (await openAptSystem(pristine)).run('apt-get', ['-qq', 'update']);
  const debshoal = join(pristine, 'etc/debshoal');
  await mkdir(join(debshoal, 'sources.d'), { recursive: true });
  await cp(paths.publicKey, join(debshoal, 'lab.asc'));

  let count = 0;
  return {
    home: paths,
    out,
    mirror,
    site,
    pairs,
    misbehave: (where, how) => (unruly[where] = how),
    behave: () => {
      [unruly.mirror, unruly.site] = [null, null];
      mirror.forget();
      site.forget();
    },
    system: async ({ url = site.url } = {}) => {
      const root = join(base, `system-${++count}`);
      await runTool('cp', ['-a', pristine, root], { maxOutput: 0 });
      const lines = [`URIs: ${url}`, `Suites: ${LAB_SUITE}`, 'Components: main'];
      const source = `${lines.join('\n')}\nSigned-By: /etc/debshoal/lab.asc\n`;
      await writeFile(join(root, 'etc/debshoal/sources.d/lab.sources'), source);
      return labSystem(root, pairs);
    },
    folder: async (name) => {
      const folder = join(base, `${name}-${++count}`);
      await mkdir(folder);
      return folder;
    },
    close: async () => {
      await Promise.all([mirror.close(), site.close()]);
      await rm(base, { recursive: true, force: true });
    },
  };
}

/** Runs a command of the real generator that must succeed; what its `--json` printed. */
export async function generator(...args: string[]): Promise<unknown> {
  const { status, stderr, json } = await runCli('generator', [...args, '--json']);
  if (status !== 0) throw new Error(`generator ${args.join(' ')} exited ${status}: ${stderr}`);
  return json;
}

/** The lab's link is fast: by time most packages would come whole. */
const BY_DELTA = ['--prefer', 'bytes'];

/** Runs the real `debshoal fetch --json` for a root, by all deltas, whatever comes of it. */
export async function fetchInto(root: string, ...args: string[]): Promise<FetchRun> {
  const run = await runCli('client', ['fetch', '--root', root, '--json', ...BY_DELTA, ...args]);
  const report = run.status === 0 ? (run.json as FetchReport) : undefined;
  return {
    ...run,
    report,
    package: (pair) => {
      const found = report?.packages.find((result) => result.package === pair.package);
      if (found === undefined) throw new Error(`${pair.package} is not in: ${run.stdout}`);
      return found;
    },
  };
}

function labSystem(root: string, pairs: readonly FixturePair[]): LabSystem {
  const archives = join(root, 'var/cache/apt/archives');
  return {
    root,
    fetch: (...args) => fetchInto(root, ...args),
    fetchArguments: (...args) => ['fetch', '--root', root, '--json', ...BY_DELTA, ...args],
    aptDownloads: async () => {
      const system = await openAptSystem(root);
      await system.run('apt-get', ['-qq', '-y', '-d', 'upgrade']);
      for (const pair of pairs) {
        const content = await readFile(join(archives, cacheName(pair)));
        if (sha256(content) !== pair.newSha256)
          throw new Error(`${pair.name} is not the archive's`);
      }
    },
    files: async (folder) => {
      const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
      return entries
        .filter((entry) => !entry.isDirectory())
        .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
        .sort();
    },
  };
}

/** Answers with another content under the right name and length. */
export function corrupted(file: string): Buffer {
  const content = readFileSync(file);
  const middle = content.length >> 1;
  content[middle] = (content[middle] ?? 0) ^ 0xff;
  return content;
}
