import { once } from 'node:events';
import { appendFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { basename, join } from 'node:path';

import { expect, test } from 'vitest';

import { homePaths } from '../../generator/home/home-paths.js';
import { serve, type RunningServer } from '../../generator/serve/serve.js';
import { runTool } from '../../shared/io/run-tool.js';
import { noise } from '../support/chunks.js';
import { closing, temporaryFolder } from '../support/cleanup.js';
import { generator } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { writeArchive, type ArchivedDeb } from '../support/tiny-archive.js';
import { makeTinyDeb } from '../support/tiny-deb.js';

const describeHere = await needs('aria2c');
const host = '127.0.0.1';

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
};

const deb = async (version: string): Promise<ArchivedDeb> => {
  const content = Buffer.concat([Buffer.from(version), noise(60_000)]);
  const entries = [{ path: 'usr/lib/tiny', content }];
  const about = { package: 'tiny', version, architecture: 'amd64' };
  const bytes = await makeTinyDeb({ ...about, entries, recipe: { kind: 'stored' } });
  return { ...about, bytes };
};

interface Site {
  readonly out: string;
  readonly server: RunningServer;
}

/** Two versions published, with an epoch in their names, and served. */
const startSite = async (): Promise<Site> => {
  const folder = await temporaryFolder();
  const [archive, out, home] = [join(folder, 'archive'), join(folder, 'out'), join(folder, 'home')];
  const [httpPort, trackerPort] = [await freePort(), await freePort()];
  const identity = ['--name', 'Test', '--email', 'test@example.org'];
  const announce = `http://${host}:${trackerPort}/announce`;
  await generator('init', '--home', home, ...identity, '--announce', announce);
  await appendFile(homePaths(home).config, `\nBase-URL: http://${host}:${httpPort}\n`);
  for (const version of ['1', '2']) {
    await writeArchive(archive, [{ suite: 'stable', debs: [await deb(`1:${version}`)] }]);
    await generator('publish', archive, '--out', out, '--home', home);
  }
  return { out, server: closing(await serve(out, { host, httpPort, trackerPort })) };
};

const fetchBy = async (metalink: string): Promise<Buffer> => {
  const folder = await temporaryFolder();
  const path = join(folder, 'file.meta4');
  await writeFile(path, metalink);
  const target = join(folder, 'fetched');
  await mkdir(target);
  const quiet = ['--no-conf', '--enable-dht=false', '--enable-dht6=false', '--disable-ipv6=true'];
  const peers = ['--bt-enable-lpd=false', '--enable-peer-exchange=false', '--seed-time=0'];
  const here = [`--interface=${host}`, `--dir=${target}`, '--bt-stop-timeout=30'];
  await runTool('aria2c', [...quiet, ...peers, ...here, '-M', path], { maxOutput: 1_000_000 });
  const names = await readdir(target, { recursive: true, withFileTypes: true });
  const files = names.filter((name) => name.isFile() && !name.name.endsWith('.torrent'));
  expect(files).toHaveLength(1);
  return readFile(join(files[0]?.parentPath ?? '', files[0]?.name ?? ''));
};

describeHere('what is published', () => {
  test('can be fetched by its metalink, over HTTP and BitTorrent', async () => {
    const { out, server } = await startSite();
    const files = await readdir(out, { recursive: true });
    const objects = files.filter((path) => /\.(deb|delta)$/.test(path));
    expect(objects.map((path) => path.replace(/.*\./, '')).sort()).toEqual(['deb', 'delta']);
    for (const path of objects) {
      const content = await readFile(join(out, path));
      const metalink = await readFile(join(out, `${path}.meta4`), 'utf8');
      const overHttp = metalink.replaceAll(/ *<metaurl.*\n/g, '');
      const overBitTorrent = metalink.replaceAll(/ *<url.*\n/g, '');
      expect(new Set([metalink, overHttp, overBitTorrent]).size).toBe(3);
      for (const text of [metalink, overHttp, overBitTorrent]) {
        expect(content.equals(await fetchBy(text))).toBe(true);
      }
      const url = `${server.httpUrl}${path.split('/').map(encodeURIComponent).join('/')}`;
      const name = `${encodeURIComponent(basename(path))}.meta4`;
      const { headers } = await fetch(url, { method: 'HEAD' });
      expect(headers.get('link')).toMatch(`<${name}>; rel=describedby`);
      expect((await fetch(`${url}.meta4`)).headers.get('content-type')).toMatch('metalink4');
    }
  });
});
