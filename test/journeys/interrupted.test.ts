import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

import { runTool } from '../../shared/io/run-tool.js';
import { asNobody } from '../support/as-nobody.js';
import { closing, until } from '../support/cleanup.js';
import { runCli, startCli, type RunningCli } from '../support/cli.js';
import { cacheName, fixturePair } from '../support/fixture-pairs.js';
import { makeLab, type Lab, type LabSystem } from '../support/lab.js';
import { needs } from '../support/needs.js';

const ghostscript = fixturePair('ghostscript');
const gd = fixturePair('libgd-tools');
const DELTA = `/${gd.package}_`;
const PARTIAL = 'var/cache/apt/archives/partial';
const describeHere = await needs('apt-get', 'dpkg-deb', 'perl');
const describeAsRoot = await needs('root', 'setpriv', 'mount', 'apt-get', 'dpkg-deb', 'unshare');

/** Locks a file as apt does; Node has no fcntl. */
const HOLD = `use Fcntl; open(my $f, "+>", $ARGV[0]) or die;
my $l = pack("s s x![q] q q i x4", F_WRLCK, 0, 0, 0, 0); fcntl($f, F_SETLK, $l) or die;
$| = 1; print "held"; <STDIN>;`;

let lab: Lab;
beforeAll(async () => {
  lab = await makeLab([ghostscript, gd]);
}, 120_000);
afterAll(() => lab.close());
afterEach(() => {
  lab.behave();
});

/** Our files; the lock's stays, whoever holds it. */
const leftovers = async (system: LabSystem): Promise<string[]> => {
  const files = await system.files('var/cache/debshoal');
  return files.filter((path) => !path.endsWith('/lock'));
};

/** The site sends half of libgd-tools' delta and then nothing. */
const stallInTheMiddle = (): (() => boolean) => {
  let stalled = false;
  lab.misbehave('site', (path, response) => {
    if (!path.startsWith('/deltas/') || !path.includes(DELTA)) return false;
    void (async () => {
      const content = await readFile(join(lab.out, path));
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, content.length / 2));
      stalled = true;
    })();
    return true;
  });
  return () => stalled;
};

/** A fetch that has got everything but half of libgd-tools' delta. */
const startStalledFetch = async (
  system: LabSystem,
  env: NodeJS.ProcessEnv = process.env,
): Promise<RunningCli> => {
  const stalled = stallInTheMiddle();
  const running = startCli('client', system.fetchArguments('--no-swarm'), { env });
  await until(stalled);
  const other = join(system.root, PARTIAL, cacheName(ghostscript));
  while (
    await stat(other).then(
      () => false,
      () => true,
    )
  ) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return running;
};

describeHere('interrupted, or not alone', () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    test(`${signal} in mid-fetch: nothing is left but what the next run resumes`, async () => {
      const system = await lab.system();
      const temporary = await lab.folder('tmp');
      const running = await startStalledFetch(system, { ...process.env, TMPDIR: temporary });
      running.child.kill(signal);
      const { status, errorCode } = await running.ended;
      expect({ status, errorCode }).toEqual({ status: 130, errorCode: 'interrupted' });
      expect(await readdir(temporary)).toEqual([]);
      // What is there is whole: apt will take it.
      expect(await system.files(PARTIAL)).toEqual([join(PARTIAL, cacheName(ghostscript))]);
      const left = await leftovers(system);
      expect(left).toEqual([
        expect.stringMatching(/^var\/cache\/debshoal\/partial\/[0-9a-f]{64}\.part$/),
        expect.stringMatching(/\.part\.json$/),
      ]);

      lab.behave();
      const again = await system.fetch('--no-swarm');
      const { route, httpBytes, deltaBytes, verified } = again.package(gd);
      expect({ route, verified }).toEqual({ route: 'delta', verified: true });
      expect(httpBytes).toBe(Math.ceil((deltaBytes ?? 0) / 2));
      expect(again.package(ghostscript)).toMatchObject({ route: 'ready', httpBytes: 0 });
      expect(await leftovers(system)).toEqual([]);
      await system.aptDownloads();
      expect(lab.mirror.requests.filter(({ path }) => path.endsWith('.deb'))).toEqual([]);
    });
  }

  test('a second fetch at once: refused, the first one goes on', async () => {
    const system = await lab.system();
    const first = await startStalledFetch(system);
    const second = await system.fetch('--no-swarm');
    expect(second).toMatchObject({ status: 51, errorCode: 'io-failed' });
    expect(second.stderr).toMatch(/^hint: /m);
    first.child.kill('SIGINT');
    await first.ended;
    lab.behave();
    const third = await system.fetch('--no-swarm');
    expect(third.report?.packages.every(({ handedOver }) => handedOver)).toBe(true);
    await system.aptDownloads();
  });

  test('a fetch that was killed does not lock out the next one', async () => {
    const system = await lab.system();
    const first = await startStalledFetch(system);
    first.child.kill('SIGKILL');
    await first.ended;
    lab.behave();
    const { report } = await system.fetch('--no-swarm');
    expect(report?.packages.every(({ handedOver }) => handedOver)).toBe(true);
    expect(await leftovers(system)).toEqual([]);
    await system.aptDownloads();
  });

  test('apt is downloading: refused before anything is fetched, apt is not disturbed', async () => {
    const system = await lab.system();
    const lock = join(system.root, 'var/cache/apt/archives/lock');
    const holder: ChildProcess = spawn('perl', ['-e', HOLD, lock], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    closing({ close: () => holder.stdin?.end() });
    if (holder.stdout) await once(holder.stdout, 'data');
    const run = await system.fetch('--no-swarm');
    expect(run).toMatchObject({ status: 41, errorCode: 'apt-busy' });
    expect(run.stderr).toMatch(/^hint: /m);
    expect(lab.site.requests.filter(({ path }) => path.startsWith('/deltas/'))).toEqual([]);
    expect(await system.files(PARTIAL)).toEqual([]);
    holder.stdin?.end();
    await once(holder, 'exit');
    expect((await system.fetch('--no-swarm')).report?.packages).toHaveLength(2);
    await system.aptDownloads();
  });
});

describeHere('interrupted in a rebuild', () => {
  // Its .xz takes a second: threads that were ended in it took the program along.
  let slow: Lab;
  beforeAll(async () => {
    slow = await makeLab([fixturePair('tzdata')]);
  }, 120_000);
  afterAll(() => slow.close());

  for (const wait of [0, 150]) {
    test(
      `SIGINT ${wait} ms after it began: nothing is left, the next run does it`,
      { timeout: 60_000 },
      async () => {
        const system = await slow.system();
        const temporary = await slow.folder('tmp');
        const env = { ...process.env, TMPDIR: temporary };
        const running = startCli('client', system.fetchArguments('--no-swarm'), { env });
        const cache = join(system.root, 'var/cache/debshoal');
        // The folder of finished packages has the worker's own in it.
        const isRebuilding = async (): Promise<boolean> =>
          (await readdir(cache, { recursive: true }).catch(() => [])).some((name) =>
            /^\.debshoal-[^/]+\/\.debshoal-[^/]+\//.test(name),
          );
        await until(isRebuilding);
        await new Promise((resolve) => setTimeout(resolve, wait));
        running.child.kill('SIGINT');
        const { status, stderr } = await running.ended;
        expect({ status, stderr }).toMatchObject({ status: 130 });
        expect(await readdir(temporary)).toEqual([]);
        expect(await system.files(PARTIAL)).toEqual([]);
        expect(await leftovers(system)).toEqual([]);
        if (wait > 0) return;
        expect((await system.fetch('--no-swarm')).report?.packages).toMatchObject([
          { route: 'delta', handedOver: true },
        ]);
        await system.aptDownloads();
      },
    );
  }
});

describeAsRoot('as root and as others', () => {
  // The first is enough for the deltas, but never for the larger of the two rebuilt .debs, whichever
  // comes first; the second for nothing.
  test.each(['32k', '8k'])('a full disk (%s): a clear error', async (size) => {
    const system = await lab.system();
    const cache = join(system.root, 'var/cache/debshoal');
    await mkdir(cache, { recursive: true });
    // A namespace of its own: the file system is gone with the process.
    const script = `mount -t tmpfs -o size=${size} none "$0" && exec "$@"`;
    const through = ['unshare', '--mount', 'sh', '-c', script, cache];
    const run = await runCli('client', system.fetchArguments('--no-swarm'), { through });
    expect(run).toMatchObject({ status: 50, errorCode: 'disk-full' });
    expect(run.stderr).toMatch(/^hint: /m);
    await system.aptDownloads();
  });

  for (const folder of ['missing', 'root’s']) {
    test(`an ordinary user, our folder is ${folder}: a clear error with a hint`, async () => {
      const system = await lab.system();
      if (folder !== 'missing')
        await mkdir(join(system.root, 'var/cache/debshoal/partial'), { recursive: true });
      const project = await lab.folder('project');
      await runTool('chmod', ['-R', 'go+rX', join(system.root, '..')], { maxOutput: 0 });
      const options = { through: asNobody(project), project };
      const run = await runCli('client', system.fetchArguments('--no-swarm'), options);
      expect(run).toMatchObject({ status: 51, errorCode: 'io-failed' });
      expect(run.stderr).toMatch(/^hint: .*root/m);
      await system.aptDownloads();
    });
  }

  test('an ordinary user, for this machine itself: a clear error with a hint', async () => {
    const project = await lab.folder('project');
    const key = join(project, '..', 'key.asc');
    await copyFile(lab.home.publicKey, key);
    await runTool('chmod', ['-R', 'go+rX', join(project, '..')], { maxOutput: 0 });
    const source = ['--index', lab.site.url, '--suite', 'lab', '--key', key];
    const options = { through: asNobody(project), project };
    const run = await runCli('client', ['fetch', '--json', ...source], options);
    expect(run).toMatchObject({ status: 51, errorCode: 'io-failed' });
    expect(run.stderr).toMatch(/^hint: .*root/m);
  });
});
