import { once } from 'node:events';
import { chmod, chown, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import { sha256 } from '../../shared/io/hash.js';
import { asNobody, NOBODY } from '../support/as-nobody.js';
import { startCli, type CliOptions, type RunningCli } from '../support/cli.js';
import { until } from '../support/cleanup.js';
import { fixturePair } from '../support/fixture-pairs.js';
import { corrupted, makeLab, type Lab, type LabSystem } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { acquire, ask, startService, type RunningService } from '../support/service.js';

const ghostscript = fixturePair('ghostscript');
const gd = fixturePair('libgd-tools');
const CACHE = 'var/cache/debshoal/daemon';
const STATE = 'var/lib/debshoal/daemon';
/** The lab's link is fast: by time most packages would come whole. */
const BY_DELTA = ['--prefer', 'bytes'];
const ALONE = [...BY_DELTA, '--no-swarm', '--no-prefetch'];
const describeHere = await needs('apt-get', 'dpkg-deb', 'flock');
const describeAsRoot = await needs('root', 'setpriv', 'unshare', 'apt-get', 'dpkg-deb', 'flock');
const describeWithSystemd = await needs('systemd-socket-activate', 'apt-get', 'dpkg-deb', 'flock');

let lab: Lab;
let system: LabSystem;
const services: RunningCli[] = [];

const start = async (...args: string[]): Promise<RunningService> => {
  const service = await startService(system.root, args);
  services.push(service);
  return service;
};

const stop = async (service: RunningService): Promise<number | null> => {
  service.child.kill('SIGTERM');
  return (await service.ended).status;
};

/** The last line, with whether the right .deb followed. */
const outcome = async (service: RunningService, pair = ghostscript): Promise<string> => {
  const { lines, body } = await service.ask(acquire(pair));
  const whole = body.length > 0 && sha256(body) === pair.newSha256;
  return `${lines.at(-1) ?? ''}${whole ? ' whole' : ''}`;
};

const GIVEN = '200 URI Start whole';
const REFUSED = '400 URI Failure';

interface Status {
  readonly obstacle: string | null;
  readonly cache: { readonly files: number };
  readonly working: readonly { readonly package: string; readonly stage: string }[];
  readonly saved: { readonly total: Readonly<Record<string, number>> };
  readonly troubles: readonly { readonly text: string }[];
  readonly peers: object | null;
  readonly confinement: { readonly level: string };
  readonly sharing: { readonly objects: number } | null;
}

const statusOf = async (service: RunningService): Promise<Status> => {
  const { lines, body } = await service.ask('700 Status\n\n');
  expect(lines).toEqual(['201 Done']);
  return JSON.parse(body.toString()) as Status;
};

const statusWhen = async (
  service: RunningService,
  wanted: (status: Status) => boolean,
): Promise<Status> => {
  for (;;) {
    const status = await statusOf(service);
    if (wanted(status)) return status;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

/** The site sends half of every delta and then nothing. */
const stallDeltas = (): (() => boolean) => {
  let stalled = false;
  lab.misbehave('site', (path, response) => {
    if (!path.startsWith('/deltas/')) return false;
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

/**
 * Processes of one of our programs that the daemon has started, itself or through others. Not what
 * leads to them: bwrap, killed while it begins, leaves behind what it has begun.
 */
const descendantsOf = async ({ child }: RunningService, program: string): Promise<number[]> => {
  const parents = new Map<number, number>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')')).split(' ')[2]));
  }
  const isOfDaemon = (pid: number): boolean => {
    const parent = parents.get(pid);
    return parent !== undefined && (parent === child.pid || isOfDaemon(parent));
  };
  const found: number[] = [];
  for (const pid of parents.keys()) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    const runs = basename(line.split('\0')[0] ?? '') === basename(process.execPath);
    if (runs && line.includes(program) && isOfDaemon(pid)) found.push(pid);
  }
  return found;
};

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

beforeAll(async () => {
  lab = await makeLab([ghostscript, gd]);
}, 300_000);
beforeEach(async () => {
  system = await lab.system();
});
afterEach(async () => {
  lab.behave();
  for (const { child, ended } of services.splice(0)) {
    child.kill('SIGKILL');
    await ended;
  }
});
afterAll(() => lab.close());

describeAsRoot('the daemon of an ordinary user', () => {
  const startAsNobody = async (options: CliOptions = {}): Promise<RunningService> => {
    const { root } = system;
    await chmod(dirname(root), 0o755);
    for (const folder of [STATE, CACHE, 'run-debshoal']) {
      await mkdir(join(root, folder), { recursive: true });
      await chown(join(root, folder), NOBODY, NOBODY);
    }
    const project = await lab.folder('project');
    const through = { project, through: asNobody(project) };
    const service = await startService(root, ALONE, { ...through, ...options });
    services.push(service);
    return service;
  };

  test('needs nothing but its own folders, and has its workers in a sandbox', async () => {
    const service = await startAsNobody();
    expect(await outcome(service)).toBe(GIVEN);
    expect((await statusOf(service)).confinement.level).toBe('sandbox');
    // Whoever is not root on this machine may ask, too.
    expect((await stat(service.socket)).mode & 0o777).toBe(0o666);
    expect(await stop(service)).toBe(0);
  });

  test('fetches nothing without a sandbox, unless that is allowed', async () => {
    const folder = await lab.folder('programs');
    const script = '#!/bin/sh\necho no permission to make namespaces >&2; exit 1\n';
    await writeFile(join(folder, 'bwrap'), script, { mode: 0o755 });
    await chmod(folder, 0o755);
    const service = await startAsNobody({
      env: { ...process.env, PATH: `${folder}:${process.env['PATH'] ?? ''}` },
    });
    const { lines, message } = await service.ask(acquire(ghostscript));
    expect([lines, message]).toEqual([[REFUSED], expect.stringContaining('no permission')]);
    expect(lab.site.requests.filter(({ path }) => path.startsWith('/deltas/'))).toEqual([]);
    await writeFile(join(system.root, 'etc/debshoal/debshoal.conf'), 'Sandbox: preferred\n');
    service.child.kill('SIGHUP');
    await statusWhen(service, ({ obstacle }) => obstacle === null);
    expect(await outcome(service)).toBe(GIVEN);
  });
});

describeAsRoot('the daemon on a full disk', () => {
  test('refuses what does not fit, says why, and goes on with what does', async () => {
    const cache = join(system.root, CACHE);
    await mkdir(cache, { recursive: true });
    const script = 'mount -t tmpfs -o size=8m none "$0" && exec "$@"';
    const through = ['unshare', '--mount', 'sh', '-c', script, cache];
    const service = await startService(system.root, ALONE, { through });
    services.push(service);
    expect(await outcome(service)).toBe(GIVEN);
    // Only the daemon sees that disk.
    const filler = join('/proc', String(service.child.pid), 'root', cache, 'filler');
    await expect(writeFile(filler, Buffer.alloc(8 << 20))).rejects.toThrow('ENOSPC');
    const { lines, message } = await service.ask(acquire(gd));
    expect(lines.at(-1)).toBe(REFUSED);
    expect(message).toMatch(/no space left/i);
    // What nobody has pending, as far as the daemon knows, has made room.
    expect((await statusOf(service)).cache.files).toBe(0);
    await rm(filler);
    expect(await outcome(service, gd)).toBe(GIVEN);
  });
});

describeWithSystemd('the daemon behind a socket of systemd’s', () => {
  test('answers whoever has come before it', async () => {
    const socket = join(system.root, 'socket');
    const through = ['systemd-socket-activate', '-l', socket];
    const args = ['daemon', '--root', system.root, '--socket', join(system.root, 'ok'), ...ALONE];
    const running = startCli('client', args, { through });
    services.push(running);
    await until(() => isThere(socket));
    const { lines, body } = await ask(socket, acquire(ghostscript));
    expect(lines.at(-1)).toBe('200 URI Start');
    expect(sha256(body)).toBe(ghostscript.newSha256);
    running.child.kill('SIGTERM');
    expect((await running.ended).status).toBe(0);
  });
});

describeHere('the daemon', () => {
  test('rebuilds what apt asks for, byte for byte, and keeps it', async () => {
    const service = await start(...ALONE);
    expect(await Promise.all([outcome(service), outcome(service), outcome(service, gd)])).toEqual([
      GIVEN,
      GIVEN,
      GIVEN,
    ]);
    // Two askers, one delta.
    const deltas = lab.site.requests.filter(({ path }) => path.startsWith('/deltas/'));
    expect(deltas.length).toBe(2);
    const { saved } = await statusWhen(service, (one) => (one.saved.total['httpBytes'] ?? 0) > 0);
    expect(saved.total).toEqual({
      packages: 3,
      servedBytes: 2 * ghostscript.newSize + gd.newSize,
      peerBytes: 0,
      localBytes: 0,
      httpBytes: deltas.reduce((sum, { bytes }) => sum + bytes, 0),
    });

    expect(await stop(service)).toBe(0);
    lab.site.forget();
    lab.misbehave('site', (_, response) => {
      response.destroy();
      return true;
    });
    const again = await start(...ALONE);
    expect(await outcome(again)).toBe(GIVEN);
    expect((await statusOf(again)).saved.total['packages']).toBe(4);
    expect(lab.mirror.requests.filter(({ path }) => path.endsWith('.deb'))).toEqual([]);
  });

  test('refuses at once what no delta leads to, and asks nobody', async () => {
    const service = await start(...ALONE);
    // The indexes of the source come after the start.
    expect(await outcome(service)).toBe(GIVEN);
    lab.site.forget();
    const refusals = await Promise.all([
      service.ask(acquire(ghostscript, { 'Expected-SHA256': 'ab'.repeat(32) })),
      service.ask(acquire(gd, { 'Target-Type': 'index' })),
      service.ask(acquire(gd, { 'Expected-Checksum-FileSize': String(gd.newSize + 1) })),
    ]);
    expect(refusals.map(({ lines }) => lines)).toEqual([[REFUSED], [REFUSED], [REFUSED]]);
    expect(refusals[0].message).toBe('not in any index');
    // Installed since: dpkg's status is looked at again.
    const status = join(system.root, 'var/lib/dpkg/status');
    const text = await readFile(status, 'utf8');
    await writeFile(status, text.replace(`Version: ${gd.oldVersion}\n`, 'Version: 0\n'));
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect((await service.ask(acquire(gd))).message).toBe('no delta from 0');
    expect(lab.site.requests).toEqual([]);
  });

  test('patience that ends: refused, and the next one gets what has come since', async () => {
    const service = await start(...ALONE);
    const stalled = stallDeltas();
    const patient = service.ask(acquire(ghostscript));
    await until(stalled);
    const { lines, message } = await service.ask(acquire(ghostscript, { Patience: '1' }));
    expect({ lines: lines.at(-1), message }).toEqual({
      lines: REFUSED,
      message: 'it took too long',
    });
    expect((await statusOf(service)).working).toMatchObject([{ package: ghostscript.package }]);
    // A prediction beyond it: nothing is even begun.
    expect((await service.ask(acquire(gd, { Patience: '0' }))).lines).toEqual([REFUSED]);
    await stop(service);
    await patient;
    lab.behave();
    expect(await outcome(await start(...ALONE))).toBe(GIVEN);
  });

  test('a delta that is not what was signed: refused, and nothing of it is kept', async () => {
    const service = await start(...ALONE);
    lab.misbehave('site', (path, response) => {
      if (!path.startsWith('/deltas/')) return false;
      response.end(corrupted(join(lab.out, path)));
      return true;
    });
    expect(await outcome(service)).toBe(REFUSED);
    lab.behave();
    expect(await outcome(service)).toBe(GIVEN);
  });

  test('a cache that was tampered with: made anew, never sent', async () => {
    const service = await start(...ALONE);
    expect(await outcome(service)).toBe(GIVEN);
    const path = join(system.root, CACHE, 'ready', `${ghostscript.newSha256}.deb`);
    await writeFile(path, corrupted(path));
    expect(await outcome(service)).toBe(GIVEN);
  });

  test('what is pending waits before apt asks; 700 Prefetch looks again', async () => {
    const service = await start(...BY_DELTA, '--no-swarm');
    await statusWhen(service, ({ cache }) => cache.files === 2);
    lab.site.forget();
    expect(await Promise.all([outcome(service), outcome(service, gd)])).toEqual([GIVEN, GIVEN]);
    expect(lab.site.requests.filter(({ path }) => path.startsWith('/deltas/'))).toEqual([]);
    expect((await service.ask('700 Prefetch\n\n')).lines).toEqual(['201 Done']);
    const isRelease = ({ path }: { path: string }): boolean => path.endsWith('/InRelease');
    await until(() => lab.site.requests.some(isRelease));
    // Nothing has changed since, and so nothing else is fetched.
    expect(lab.site.requests.filter((request) => !isRelease(request))).toEqual([]);
    await stop(service);
    const without = await start(...ALONE);
    const { lines, message } = await without.ask('700 Prefetch\n\n');
    expect({ lines, message }).toEqual({ lines: ['400 Failure'], message: 'it is switched off' });
  });

  test('settings of the system: what was fetched is offered to others, or nothing is fetched', async () => {
    const settings = join(system.root, 'etc/debshoal/debshoal.conf');
    await writeFile(settings, 'Share: internet\nPrefer: bytes\nPrefetch: no\n');
    const sharing = await start();
    // Without peers there is nobody to share with.
    await statusWhen(sharing, ({ peers }) => peers !== null);
    expect(await outcome(sharing)).toBe(GIVEN);
    const status = await statusWhen(sharing, (one) => (one.sharing?.objects ?? 0) > 0);
    expect(status.sharing).toMatchObject({ scope: 'internet', objects: 1, seeding: 0 });
    await stop(sharing);
    await writeFile(settings, 'Fetch: no\n');
    const { lines, message } = await (await start()).ask(acquire(ghostscript));
    expect({ lines, message }).toEqual({ lines: [REFUSED], message: 'fetching is switched off' });
    await writeFile(settings, 'Fetch: perhaps\n');
    const args = ['daemon', '--root', system.root, '--socket', sharing.socket];
    expect(await startCli('client', args).ended).toMatchObject({ status: 2 });
  });

  test('SIGHUP: settings are read again, and those with a mistake are not taken', async () => {
    const settings = join(system.root, 'etc/debshoal/debshoal.conf');
    const service = await start(...ALONE);
    expect(await outcome(service)).toBe(GIVEN);
    const reload = async (text: string): Promise<void> => {
      await writeFile(settings, text);
      service.child.kill('SIGHUP');
    };
    await reload('Fetch: no\n');
    await statusWhen(service, ({ obstacle }) => obstacle !== null);
    expect(await outcome(service)).toBe(REFUSED);
    await reload('Fetch: perhaps\n');
    const { obstacle } = await statusWhen(service, ({ troubles }) => troubles.length > 0);
    expect(obstacle).toBe('fetching is switched off');
    const [trouble] = (await statusOf(service)).troubles;
    expect(trouble?.text).toMatch(/stay as they were.*debshoal\.conf line 1/);
    await reload('Fetch: yes\nCache-Size: 1 GB\n');
    const status = await statusWhen(service, (one) => one.obstacle === null);
    expect(status.cache).toMatchObject({ files: 1, maxBytes: 1e9 });
    expect(await Promise.all([outcome(service), outcome(service, gd)])).toEqual([GIVEN, GIVEN]);
    expect(await stop(service)).toBe(0);
  });

  test('who ends his side after the request still gets the answer', async () => {
    const service = await start(...ALONE);
    const connection = await service.connect();
    connection.end(acquire(ghostscript));
    const chunks: Buffer[] = [];
    for await (const chunk of connection) chunks.push(chunk as Buffer);
    const answer = Buffer.concat(chunks);
    expect(sha256(answer.subarray(-ghostscript.newSize))).toBe(ghostscript.newSha256);
  });

  test('killed processes: a swarm starts again, a worker costs its package', async () => {
    // Its .xz takes most of a second: the worker is still there when it is found.
    const tzdata = fixturePair('tzdata');
    const slow = await makeLab([tzdata]);
    try {
      const service = await startService((await slow.system()).root, [
        ...BY_DELTA,
        '--no-prefetch',
      ]);
      services.push(service);
      const kill = async (program: string): Promise<void> => {
        let found: number[] = [];
        while (found.length === 0) found = await descendantsOf(service, program);
        for (const pid of found) process.kill(pid, 'SIGKILL');
      };
      await kill('swarm/child.js');
      const answer = outcome(service, tzdata);
      await kill('rebuild-worker.js');
      expect(await answer).toBe(REFUSED);
      expect(await outcome(service, tzdata)).toBe(GIVEN);
    } finally {
      await slow.close();
    }
  });

  test('SIGTERM in mid-work: an answer for whoever waits, and nothing is left', async () => {
    const service = await start(...ALONE);
    const stalled = stallDeltas();
    const answer = service.ask(acquire(ghostscript));
    await until(stalled);
    expect(await stop(service)).toBe(0);
    expect(await answer).toMatchObject({ message: 'debshoal stops' });
    for (const name of ['ok', 'socket']) {
      expect(await isThere(join(system.root, 'run-debshoal', name))).toBe(false);
    }
    const left = (await system.files(CACHE)).filter((path) => !path.includes('/partial/'));
    expect(left).toEqual([`${CACHE}/lock`]);
    lab.behave();
    lab.site.forget();
    expect(await outcome(await start(...ALONE))).toBe(GIVEN);
    // It went on where it was stopped.
    const ranges = lab.site.requests.flatMap(({ path, range }) =>
      path.startsWith('/deltas/') ? [range] : [],
    );
    expect(ranges.every((range) => range !== null && !range.startsWith('bytes=0-'))).toBe(true);
  });

  test('kill -9 in mid-work: the next one starts as if nothing had been', async () => {
    const service = await start(...ALONE);
    const stalled = stallDeltas();
    const answer = service.ask(acquire(ghostscript));
    await until(stalled);
    service.child.kill('SIGKILL');
    await service.ended;
    expect((await answer).body.length).toBe(0);
    lab.behave();
    const next = await start(...ALONE);
    expect(await outcome(next)).toBe(GIVEN);
    const left = await system.files(CACHE);
    expect(left).toEqual([`${CACHE}/lock`, `${CACHE}/ready/${ghostscript.newSha256}.deb`]);
  });

  test('only one, and beside it `fetch` works as ever', async () => {
    const service = await start(...ALONE);
    const args = ['daemon', '--root', system.root, '--socket', service.socket];
    const second = await startCli('client', args).ended;
    expect(second).toMatchObject({ status: 51 });
    expect(await outcome(service)).toBe(GIVEN);
    const { report } = await system.fetch('--no-swarm');
    expect(report?.packages.map(({ handedOver }) => handedOver)).toEqual([true, true]);
    await system.aptDownloads();
  });

  test('garbage, silence and crowds: everybody else is answered', async () => {
    const service = await start(...ALONE);
    expect(await outcome(service)).toBe(GIVEN);
    const garbage = [
      Buffer.alloc(200_000, 'A'),
      Buffer.alloc(100_000, 0),
      'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n',
      `600 URI Acquire\nFilename: ${'../'.repeat(100)}etc/shadow\n\n`,
      '700 Shutdown\n\n',
    ];
    for (const text of garbage)
      expect((await service.ask(text)).lines.at(-1) ?? REFUSED).toBe(REFUSED);
    // Some say nothing, or go before the end.
    const silent = await Promise.all([...Array(20).keys()].map(() => service.connect()));
    for (const connection of silent.slice(10)) connection.destroy();
    for (const connection of silent) connection.on('error', () => undefined);
    const impatient = await service.connect();
    impatient.write(acquire(ghostscript));
    await once(impatient, 'data');
    impatient.destroy();
    const crowd = await Promise.all(
      [...Array(200).keys()].map((i) =>
        i % 2 === 0
          ? outcome(service)
          : service
              .ask(acquire(gd, { 'Expected-SHA256': 'cd'.repeat(32) }))
              .then(({ lines }) => lines.join()),
      ),
    );
    expect(new Set(crowd)).toEqual(new Set([GIVEN, REFUSED]));
    expect((await statusOf(service)).troubles).toEqual([]);
    for (const connection of silent) connection.destroy();
    expect(await stop(service)).toBe(0);
  });
});
