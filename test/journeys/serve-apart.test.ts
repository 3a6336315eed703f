import { spawn } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { downloadObjects } from '../../client/download/download-objects.js';
import { createHttpClient } from '../../client/download/http.js';
import { debTorrentPath, deltaPath, urlPath } from '../../shared/index/layout.js';
import { sha256 } from '../../shared/io/hash.js';
import { startSwarm } from '../../shared/swarm/swarm.js';
import { parseTorrent } from '../../shared/torrent/metainfo.js';
import { startCli, type RunningCli } from '../support/cli.js';
import { fixturePair } from '../support/fixture-pairs.js';
import { freePort } from '../support/free-port.js';
import { makeLab, type Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { listFiles } from '../support/published-tree.js';

const describeHere = await needs('apt-get', 'dpkg-deb', 'nginx', 'opentracker');

const NGINX = resolve(import.meta.dirname, '../../packaging/nginx.conf');
const IMMUTABLE = 'public, max-age=31536000, immutable';
/** Slower than peers, so that these have something to do. */
const RATE = '8k';

describeHere('nginx, opentracker and a seeder of ours', () => {
  let lab: Lab;
  let url: string;
  let tracker: string;
  const ends: (() => Promise<void> | void)[] = [];

  const run = async (command: string, args: readonly string[]): Promise<void> => {
    const child = spawn(command, args, { stdio: 'ignore' });
    ends.push(() => void child.kill('SIGKILL'));
    await new Promise((started) => child.once('spawn', started));
  };
  const reachable = async (address: string): Promise<void> => {
    while (!(await fetch(address).then(Boolean, () => false))) await pause();
  };

  beforeAll(async () => {
    const [http, tracking] = [await freePort(), await freePort()];
    tracker = `http://127.0.0.1:${tracking}/announce`;
    lab = await makeLab(['ghostscript', 'libgd-tools', 'php8.2-xsl'].map(fixturePair), [tracker]);
    ends.push(() => lab.close());
    url = `http://127.0.0.1:${http}`;

    const folder = await lab.folder('nginx');
    const user = process.geteuid?.() === 0 ? 'user root;' : '';
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
    const paths = temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ');
    await writeFile(
      join(folder, 'nginx.conf'),
      `${user} daemon off; pid ${folder}/pid; error_log ${folder}/error.log; events {}
http { access_log off; ${paths} gzip on; gzip_types *; gzip_min_length 0;
server { listen 127.0.0.1:${http}; root ${lab.out}; limit_rate ${RATE}; include ${NGINX}; } }\n`,
    );
    await run('/usr/sbin/nginx', ['-c', join(folder, 'nginx.conf')]);

    // As `nobody`, below the folder that it has made its root.
    const root = join(lab.out, 'torrents');
    await chmod(root, 0o755);
    const at = ['-i', '127.0.0.1', '-p', String(tracking), '-P', String(tracking)];
    await run('opentracker', [...at, '-d', root, '-w', 'whitelist']);
    await Promise.all([reachable(url), reachable(tracker)]);
  }, 120_000);

  afterAll(async () => {
    for (const end of ends.reverse()) await end();
  });

  const seeder = async (...args: string[]): Promise<RunningCli & { seeding: number }> => {
    const only = ['serve', lab.out, '--only', 'seeder', '--host', '127.0.0.1'];
    const port = args.length > 0 ? [] : ['--swarm-port', '0'];
    const running = startCli('generator', [...only, ...port, '--json', ...args]);
    ends.push(async () => {
      running.child.kill('SIGINT');
      await running.ended;
    });
    while (!running.stdout().includes('\n')) await pause();
    const told = JSON.parse(running.stdout()) as Record<string, unknown>;
    expect(told).toMatchObject({ httpUrl: null, announce: [], metricsUrl: null });
    return { ...running, seeding: told['seeding'] as number };
  };
  const torrentOf = async (name: string): Promise<string> => {
    const folder = join(lab.out, 'torrents');
    for (const file of (await readdir(folder)).filter((each) => each.endsWith('.torrent'))) {
      const info = parseTorrent(await readFile(join(folder, file)));
      if (info.name === name) return info.infoHash;
    }
    throw new Error(`no torrent of ${name}`);
  };
  const seedersOf = async (infoHash: string): Promise<number> => {
    const hash = infoHash.replace(/../g, '%$&');
    const answer = await fetch(`${tracker.replace('announce', 'scrape')}?info_hash=${hash}`);
    const text = Buffer.from(await answer.arrayBuffer()).toString('latin1');
    return Number(/8:completei(\d+)e/.exec(text)?.[1] ?? 0);
  };

  test('nginx: types, ranges, caches, metalinks, and nothing compressed or hidden', async () => {
    const files = await listFiles(lab.out);
    const find = (pattern: RegExp): string => {
      const path = files.find((file) => pattern.test(file)) ?? 'nothing';
      return `${url}/${path.split('/').map(encodeURIComponent).join('/')}`;
    };
    const head = async (address: string): Promise<Headers> => {
      const headers = { 'accept-encoding': 'gzip' };
      const response = await fetch(address, { method: 'HEAD', headers });
      expect([address, response.status]).toEqual([address, 200]);
      expect(response.headers.get('content-encoding')).toBeNull();
      return response.headers;
    };
    const octets = 'application/octet-stream';
    const expected: [pattern: RegExp, type: string, cache: string | null][] = [
      [/^deltas\/.*\.delta$/, octets, IMMUTABLE],
      [/\.deb$/, 'application/vnd.debian.binary-package', 'public, max-age=86400'],
      [/\.torrent$/, 'application/x-bittorrent', IMMUTABLE],
      [/whitelist$/, octets, null],
      [/InRelease$/, octets, 'no-cache'],
      [/Deltas\.xz$/, 'application/x-xz', 'no-cache'],
      [/by-hash\/SHA256\//, octets, IMMUTABLE],
    ];
    for (const [pattern, type, cache] of expected) {
      const headers = await head(find(pattern));
      expect([headers.get('content-type'), headers.get('cache-control')]).toEqual([type, cache]);
      expect(headers.get('accept-ranges')).toBe('bytes');
    }
    const delta = find(/^deltas\/.*\.delta$/);
    expect((await head(delta)).get('link')).toBeNull();
    const path = decodeURIComponent(new URL(delta).pathname);
    await writeFile(join(lab.out, `${path}.meta4`), '<metalink/>');
    const link = `<${new URL(delta).pathname}.meta4>; rel=describedby; type="application/metalink4+xml"`;
    expect((await head(`${delta}?x`)).get('link')).toBe(link);
    expect((await head(`${delta}.meta4`)).get('content-type')).toBe('application/metalink4+xml');
    const range = await fetch(delta, { headers: { range: 'bytes=5-9' } });
    expect(range.status).toBe(206);
    const wanted = (await readFile(join(lab.out, path))).subarray(5, 10);
    expect(wanted.equals(Buffer.from(await range.arrayBuffer()))).toBe(true);
    await mkdir(join(lab.out, deltaPath('b', '')), { recursive: true });
    await writeFile(join(lab.out, deltaPath('b', '.hidden')), '');
    for (const hidden of ['deltas/b/.hidden', 'deltas/b/', 'deltas/']) {
      expect((await fetch(`${url}/${hidden}`)).status).toBeGreaterThanOrEqual(403);
    }
  });

  test('opentracker knows our torrents and no others; a client fetches, and one object from both', async () => {
    const { seeding } = await seeder();
    const listed = (await readFile(join(lab.out, 'torrents/whitelist'), 'utf8')).trim().split('\n');
    expect(listed).toHaveLength(seeding);
    for (const infoHash of listed) while ((await seedersOf(infoHash)) === 0) await pause();
    const foreign = `${tracker}?info_hash=${'%ab'.repeat(20)}&peer_id=${'x'.repeat(20)}&port=1&left=1`;
    expect(await (await fetch(foreign)).text()).toContain('failure reason');

    const system = await lab.system({ url });
    const run = await system.fetch();
    for (const pair of lab.pairs) expect(run.package(pair)).toMatchObject({ route: 'delta' });
    await system.aptDownloads();

    const [deb = ''] = (await listFiles(lab.out)).filter((path) => path.endsWith('.deb'));
    const content = await readFile(join(lab.out, deb));
    const infoHash = await torrentOf(basename(deb));
    const torrent = await readFile(join(lab.out, debTorrentPath(infoHash)));
    const folder = await lab.folder('object');
    const swarm = await startSwarm({ host: '127.0.0.1', upload: false });
    const client = createHttpClient();
    const object = {
      id: deb,
      sha256: sha256(content),
      size: content.length,
      urls: [`${url}/${urlPath(deb)}`],
      torrent: { torrent, filePath: basename(deb) },
      target: join(folder, 'deb'),
    };
    const options = { partialFolder: folder, http: client, swarm, trackers: [tracker] };
    for await (const result of downloadObjects([object], options)) {
      expect(result).toMatchObject({ ok: true });
      if (!result.ok) continue;
      expect(result.httpBytes).toBeGreaterThan(0);
      expect(result.peerBytes).toBeGreaterThan(0);
    }
    client.close();
    await swarm.close();
  });

  test('two seeders of one tree; one that is restarted finds its port free', async () => {
    const port = String(await freePort());
    const first = await seeder('--swarm-port', port);
    first.child.kill('SIGINT');
    expect((await first.ended).status).toBe(0);
    const second = await seeder('--swarm-port', port);
    expect(second.seeding).toBe(first.seeding);
  });
});

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 100));
}
