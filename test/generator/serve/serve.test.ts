import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { downloadObjects } from '../../../client/download/download-objects.js';
import { createHttpClient } from '../../../client/download/http.js';
import { serve, type ServeOptions, type RunningServer } from '../../../generator/serve/serve.js';
import { sha256 } from '../../../shared/io/hash.js';
import { runTool } from '../../../shared/io/run-tool.js';
import { startSwarm } from '../../../shared/swarm/swarm.js';
import { noise } from '../../support/chunks.js';
import { closing, temporaryFolder, until } from '../../support/cleanup.js';
import { hasTool } from '../../support/tools.js';
import { makeTorrent, type MadeTorrent } from '../../support/torrents.js';

const host = '127.0.0.1';
const files = { 'a_1_2.dsd': noise(60_000, 1), 'b_1_2.dsd': noise(90_000, 2) };
const deb = noise(700_000, 3);

const publish = async (folder: string, name: string, made: MadeTorrent): Promise<void> => {
  await mkdir(join(folder, 'torrents'), { recursive: true });
  await writeFile(join(folder, 'torrents', `${name}.torrent`), made.torrent);
};

const site = async (
  announce: string[] = [],
): Promise<{ folder: string; batch: MadeTorrent; single: MadeTorrent }> => {
  const folder = join(await temporaryFolder(), 'site');
  const batch = await makeTorrent(join(folder, 'deltas'), 'batch-1', files, { announce });
  const pool = join(folder, 'pool/main/c/c');
  const single = await makeTorrent(pool, 'c_2.deb', { 'c_2.deb': deb }, { announce });
  await publish(folder, 'batch-1', batch);
  await publish(folder, 'c_2', single);
  return { folder, batch, single };
};

const run = async (folder: string, options: ServeOptions = {}): Promise<RunningServer> =>
  closing(await serve(folder, { host, refreshMilliseconds: 0, ...options }));

/** Torrents name their trackers, so its ports have to be known before there are torrents. */
const runWithTracker = async (): Promise<{
  server: RunningServer;
  made: Awaited<ReturnType<typeof site>>;
}> => {
  const empty = await temporaryFolder();
  const probe = await serve(empty, { host });
  const [httpPort, udpPort] = probe.announce.map((url) => Number(/:(\d+)/.exec(url.slice(6))?.[1]));
  await probe.close();
  const made = await site(probe.announce as string[]);
  const server = await run(made.folder, {
    ...(httpPort === undefined ? {} : { trackerPort: httpPort }),
    ...(udpPort === undefined ? {} : { trackerUdpPort: udpPort }),
  });
  return { server, made };
};

test('batches and single files are seeded from where they are published', async () => {
  const { folder, batch, single } = await site();
  const server = await run(folder);
  expect([...server.seeding()].sort()).toEqual([batch.info.infoHash, single.info.infoHash].sort());
  const response = await fetch(`${server.httpUrl}pool/main/c/c/c_2.deb`);
  expect(deb.equals(Buffer.from(await response.arrayBuffer()))).toBe(true);
});

test('new torrents are found, withdrawn, missing and malformed ones are not seeded', async () => {
  const { folder, batch, single } = await site();
  const warnings: string[] = [];
  const server = await run(folder, { onWarning: (text) => warnings.push(text) });
  const more = await makeTorrent(join(folder, 'deltas'), 'batch-2', files, { pieceLength: 32_768 });
  await publish(folder, 'batch-2', more);
  const lost = await makeTorrent(join(folder, 'elsewhere'), 'batch-3', files, {
    pieceLength: 65_536,
  });
  await publish(folder, 'batch-3', lost);
  await writeFile(join(folder, 'torrents', 'bad.torrent'), 'd4:infoe');
  await rm(join(folder, 'torrents', 'c_2.torrent'));
  await server.refresh();
  expect([...server.seeding()].sort()).toEqual([batch.info.infoHash, more.info.infoHash].sort());
  expect(server.seeding()).not.toContain(single.info.infoHash);
  expect(warnings).toHaveLength(2);
});

test('content that comes after its torrent is offered then, and told of once before', async () => {
  const { folder } = await site();
  const warnings: string[] = [];
  await rename(join(folder, 'pool'), join(folder, 'later'));
  const server = await run(folder, { onWarning: (text) => warnings.push(text) });
  await server.refresh();
  expect([server.seeding().size, warnings.length]).toEqual([1, 1]);
  await rename(join(folder, 'later'), join(folder, 'pool'));
  await server.refresh();
  expect([server.seeding().size, warnings.length]).toEqual([2, 1]);
});

test('a folder that is not there is an error, an empty one waits', async () => {
  const folder = await temporaryFolder();
  const missing = { code: 'io-failed', hint: expect.stringContaining('publish') as string };
  for (const parts of [['files'], ['tracker'], ['seeder']] as const) {
    await expect(run(join(folder, 'none'), { parts })).rejects.toMatchObject(missing);
  }
  expect((await run(folder)).seeding().size).toBe(0);
});

test('a tracker of its own needs only the torrents', async () => {
  const { folder, batch } = await site();
  for (const content of ['deltas', 'pool']) await rm(join(folder, content), { recursive: true });
  const server = await run(folder, { parts: ['tracker'] });
  expect([server.httpUrl, server.swarmPort, server.seeding().size]).toEqual([null, null, 0]);
  const hash = batch.info.infoHash.replace(/../g, '%$&');
  const query = `info_hash=${hash}&peer_id=-XX0000-000000000000&port=1000&left=1&compact=1`;
  const answer = await (await fetch(`${server.announce[0] ?? ''}?${query}`)).text();
  expect(answer).toContain('interval');
});

test('a foreign torrent is not tracked', async () => {
  const { folder, batch } = await site();
  const server = await run(folder);
  const announce = async (infoHash: string): Promise<string> => {
    const hash = infoHash.replace(/../g, '%$&');
    const query = `info_hash=${hash}&peer_id=-XX0000-000000000000&port=1000&left=1&compact=1`;
    return (await fetch(`${server.announce[0] ?? ''}?${query}`)).text();
  };
  expect(await announce('ab'.repeat(20))).toContain('failure reason');
  expect(await announce(batch.info.infoHash)).not.toContain('failure reason');
});

test('our own client gets everything through the tracker, over HTTP or UDP', async () => {
  const { server, made } = await runWithTracker();
  for (const tracker of server.announce) {
    const folder = await temporaryFolder();
    const swarm = closing(await startSwarm({ host, upload: false }));
    const objects = Object.entries(files).map(([id, content]) => ({
      id,
      sha256: sha256(content),
      size: content.length,
      urls: [],
      torrent: { torrent: made.batch.torrent, filePath: id },
      target: join(folder, id),
    }));
    const http = closing(createHttpClient());
    const options = { partialFolder: join(folder, 'p'), http, swarm, trackers: [tracker] };
    for await (const result of downloadObjects(objects, options)) {
      expect(result).toMatchObject({ ok: true, httpBytes: 0 });
    }
  }
});

test.skipIf(!hasTool('aria2c'))(
  'aria2 gets everything through the tracker (needs aria2c)',
  async () => {
    const { made } = await runWithTracker();
    const folder = await temporaryFolder();
    for (const { torrent, info } of [made.batch, made.single]) {
      const path = join(folder, `${info.name}.torrent`);
      await writeFile(path, torrent);
      await runTool(
        'aria2c',
        [
          '--no-conf',
          '--seed-time=0',
          '--enable-dht=false',
          '--enable-dht6=false',
          '--bt-enable-lpd=false',
          '--enable-peer-exchange=false',
          '--disable-ipv6=true',
          '--follow-torrent=false',
          '--bt-stop-timeout=30',
          '--interface=127.0.0.1',
          `--dir=${folder}`,
          `--torrent-file=${path}`,
        ],
        { maxOutput: 1_000_000 },
      );
    }
    expect(deb.equals(await readFile(join(folder, 'c_2.deb')))).toBe(true);
    for (const [name, content] of Object.entries(files)) {
      expect(content.equals(await readFile(join(folder, 'batch-1', name)))).toBe(true);
    }
  },
);

test('a port that is taken is an error, and nothing stays behind', async () => {
  const { folder } = await site();
  const first = await run(folder);
  const httpPort = Number(new URL(first.httpUrl ?? '').port);
  await expect(run(folder, { httpPort })).rejects.toMatchObject({ code: 'io-failed' });
  const trackerPort = Number(new URL(first.announce[0] ?? '').port);
  await expect(run(folder, { trackerPort })).rejects.toMatchObject({ code: 'io-failed' });
  await expect(run(folder, { swarmPort: first.swarmPort ?? 0 })).rejects.toMatchObject({
    code: 'swarm-failed',
  });
});

test('closed, it answers nobody', async () => {
  const { folder } = await site();
  const server = await serve(folder, { host });
  const open = await fetch(`${server.httpUrl}pool/main/c/c/c_2.deb`);
  await server.close();
  await expect(fetch(server.httpUrl ?? '')).rejects.toThrow();
  await open.arrayBuffer().catch(() => undefined);
  await until(() => true);
});
