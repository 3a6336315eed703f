import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { openAptSystem } from '../../client/apt/apt-system.js';
import type { FetchReport } from '../../client/steps/report-fetch.js';
import { DEFAULT_CONFIG } from '../../generator/home/config.js';
import { homePaths } from '../../generator/home/home-paths.js';
import { initHome } from '../../generator/home/init.js';
import { publish, type PublishReport } from '../../generator/publish.js';
import { serve } from '../../generator/serve/serve.js';
import { serveStatic } from '../../generator/serve/static-files.js';
import { expandDeb } from '../../shared/deb/expand-deb.js';
import { DebshoalError } from '../../shared/errors.js';
import { withTemporaryFolder } from '../../shared/io/files.js';
import { sha256 } from '../../shared/io/hash.js';
import { runTool } from '../../shared/io/run-tool.js';
import type { ReportProgress } from '../../shared/progress.js';
import { listPairs, type Pair } from '../pair-list.js';
import { openDebStreams } from './open-deb-streams.js';
import { writePlainArchive } from './plain-archive.js';
import { makeScratchRoot } from './scratch-root.js';

const SUITE = 'lab';
const ARCHITECTURE = 'amd64';
const HOST = '127.0.0.1';

export interface MainJobOptions {
  /** Folder of pairs NAME/{old,new}.deb. */
  readonly pairsFolder: string;
  /** Bytes a second of the HTTP server: a mirror far away. Peers are not limited. */
  readonly httpBytesPerSecond: number;
  readonly signal: AbortSignal;
  readonly report: ReportProgress;
}

export interface MainJobReport extends FetchReport {
  readonly published: PublishReport;
}

/**
 * The main job from end to end, on real packages, without root: an archive of old versions is
 * published, a system has them installed, new versions arrive and are published, and a client
 * fetches the upgrades as deltas from peers and over HTTP. Everything is in a temporary folder.
 */
export async function mainJob(options: MainJobOptions): Promise<MainJobReport> {
  const { signal, report } = options;
  const pairs = await listPairs(options.pairsFolder);
  return withTemporaryFolder(async (folder) => {
    const places = {
      archive: join(folder, 'archive'),
      home: join(folder, 'generator'),
      out: join(folder, 'published'),
      root: join(folder, 'system'),
    };
    await mkdir(places.archive);
    await mkdir(places.out);
    await initHome(places.home, { name: 'debshoal main job', email: 'main-job@example.org' });
    const mirror = await serveStatic(places.archive, { host: HOST, port: 0 });
    const site = await serve(places.out, {
      host: HOST,
      httpBytesPerSecond: options.httpBytesPerSecond,
      refreshMilliseconds: 0,
    });
    try {
      const publishNow = (): Promise<PublishReport> =>
        publish({
          archive: places.archive,
          out: places.out,
          home: places.home,
          config: { ...DEFAULT_CONFIG, announce: site.announce },
          only: { suites: [], components: [], architectures: [] },
          now: new Date(),
          signal,
          report,
        });
      report({ kind: 'phase', name: `an archive of ${pairs.length} packages, old versions` });
      await writeArchive(places.archive, folder, pairs, 'oldDeb');
      await publishNow();
      const archiveUrl = `http://${HOST}:${mirror.port}/`;
      await installOldVersions(places.root, folder, pairs, archiveUrl);

      report({ kind: 'phase', name: 'new versions arrive' });
      await writeArchive(places.archive, folder, pairs, 'newDeb');
      const published = await publishNow();
      await site.refresh();

      report({ kind: 'phase', name: 'the client asks apt, and fetches from peers and over HTTP' });
      const system = await openAptSystem(places.root);
      await system.run('apt-get', ['update'], signal);
      const key = homePaths(places.home).publicKey;
      const fetched = await runClient(places.root, site.httpUrl ?? '', key, signal);
      await checkHandedOver(places.root, fetched, pairs);
      return { ...fetched, published };
    } finally {
      await Promise.all([site.close(), mirror.close()]);
    }
  });
}

async function writeArchive(
  archive: string,
  folder: string,
  pairs: readonly Pair[],
  version: 'oldDeb' | 'newDeb',
): Promise<void> {
  await writePlainArchive(archive, {
    suite: SUITE,
    architectures: [ARCHITECTURE],
    debs: pairs.map((pair) => pair[version]),
    controlOf: (deb) =>
      withTemporaryFolder(async (temporary) => {
        return (await expandDeb(deb, join(temporary, 'image'))).control.text;
      }, folder),
  });
}

async function installOldVersions(
  root: string,
  folder: string,
  pairs: readonly Pair[],
  archiveUrl: string,
): Promise<void> {
  await mkdir(root);
  await withTemporaryFolder(async (temporary) => {
    let count = 0;
    await makeScratchRoot(root, {
      debs: pairs.map((pair) => pair.oldDeb),
      upgrades: pairs.map((pair) => pair.newDeb),
      archiveUrl,
      suite: SUITE,
      architecture: ARCHITECTURE,
      openDeb: (deb) => openDebStreams(deb, join(temporary, String(count++))),
    });
  }, folder);
}

/** The real command in a process of its own, configured as a user would. */
async function runClient(
  root: string,
  url: string,
  key: string,
  signal: AbortSignal,
): Promise<FetchReport> {
  await mkdir(join(root, 'etc/debshoal/sources.d'), { recursive: true });
  await writeFile(join(root, 'etc/debshoal/key.asc'), await readFile(key));
  await writeFile(
    join(root, 'etc/debshoal/sources.d/main-job.sources'),
    `URIs: ${url}\nSuites: ${SUITE}\nComponents: main\nSigned-By: /etc/debshoal/key.asc\n`,
  );
  const cli = fileURLToPath(new URL('../../client/cli.js', import.meta.url));
  // From this machine to itself a full .deb is always quicker.
  const command = [cli, 'fetch', '--root', root, '--json', '--prefer', 'bytes'];
  const { stdout } = await runTool(process.execPath, command, { maxOutput: 1 << 20, signal });
  return JSON.parse(stdout.toString()) as FetchReport;
}

/** Trusts no report: every .deb that waits for apt must be the archive's, byte for byte. */
async function checkHandedOver(
  root: string,
  report: FetchReport,
  pairs: readonly Pair[],
): Promise<void> {
  const wanted = new Set<string>();
  for (const { newDeb } of pairs) wanted.add(sha256(await readFile(newDeb)));
  const partial = join(root, 'var/cache/apt/archives/partial');
  for (const { package: name, newVersion, architecture, handedOver } of report.packages) {
    const file = `${name}_${newVersion.replaceAll(':', '%3a')}_${architecture}.deb`;
    const content = handedOver ? await readFile(join(partial, file)) : Buffer.alloc(0);
    if (!wanted.has(sha256(content))) {
      throw new DebshoalError('hash-mismatch', `${name} did not arrive as it is in the archive`);
    }
  }
  if (report.packages.length !== pairs.length) {
    throw new DebshoalError(
      'apt-failed',
      `apt has ${report.packages.length} packages pending instead of ${pairs.length}`,
    );
  }
}
