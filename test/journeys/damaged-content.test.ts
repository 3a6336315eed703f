import { appendFile, copyFile, cp, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

import { deltaFileName } from '../../shared/index/layout.js';
import { parseTorrent } from '../../shared/torrent/metainfo.js';
import { closing } from '../support/cleanup.js';
import { fixturePair, type FixturePair } from '../support/fixture-pairs.js';
import { serveWithLog } from '../support/http-log.js';
import { corrupted, LAB_SUITE, makeLab, type FetchRun, type Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { startRawPeer, type RawPeer } from '../../bench/swarm/raw-peer.js';
import { resign } from '../support/resign.js';

const ghostscript = fixturePair('ghostscript');
const gd = fixturePair('libgd-tools');
const xsl = fixturePair('php8.2-xsl');
const describeHere = await needs('apt-get', 'dpkg-deb');

function deltaName(pair: FixturePair): string {
  const { package: name, oldVersion, newVersion, architecture } = pair;
  return deltaFileName(name, oldVersion, newVersion, architecture);
}

// Whatever is damaged: the others come by delta, apt ends with the archive's own .debs.
describeHere('damaged content', () => {
  let lab: Lab;
  /** The folder of the published deltas. */
  let deltas: string;

  beforeAll(async () => {
    lab = await makeLab([ghostscript, gd, xsl]);
    const [batch = ''] = await readdir(join(lab.out, 'deltas'));
    deltas = join(lab.out, 'deltas', batch);
  }, 120_000);
  afterAll(() => lab.close());
  afterEach(() => {
    lab.behave();
  });

  const expectFullFor = (run: FetchRun, pair: FixturePair, code: string): void => {
    expect(run.stderr).toMatch(`warning: ${pair.package}: `);
    for (const other of lab.pairs) {
      const expected = other === pair ? { route: 'full', error: { code } } : { route: 'delta' };
      expect(run.package(other)).toMatchObject({ ...expected, verified: true, handedOver: true });
    }
    expect(debsAsked()).toEqual([expect.stringContaining(`/${pair.package}_`)]);
  };

  const debsAsked = (): string[] =>
    lab.mirror.requests.map(({ path }) => path).filter((path) => path.endsWith('.deb'));

  /** The site sends libgd-tools' delta with one bit of another value. */
  const corruptOnSite = (): void => {
    lab.misbehave('site', (path, response) => {
      if (!path.endsWith(deltaName(gd))) return false;
      response.end(corrupted(join(deltas, deltaName(gd))));
      return true;
    });
  };

  /** A peer that has everything, and all of it is wrong. */
  const lyingPeer = async (): Promise<RawPeer> => {
    const names = await readdir(join(lab.out, 'torrents'));
    const batch = names.find((name) => name.startsWith('20')) ?? '';
    const info = parseTorrent(await readFile(join(lab.out, 'torrents', batch)));
    const answer = (_index: number, _offset: number, length: number): Buffer =>
      Buffer.alloc(length, 66);
    return closing(await startRawPeer(info, { answer }));
  };

  test('a corrupted delta on the site: the full .deb', async () => {
    const system = await lab.system();
    corruptOnSite();
    expectFullFor(await system.fetch('--no-swarm'), gd, 'hash-mismatch');
    await system.aptDownloads();
    expect(debsAsked()).toHaveLength(1);
  });

  test('corrupted by a peer: HTTP has it right', async () => {
    const system = await lab.system();
    const peer = await lyingPeer();
    const run = await system.fetch('--peer', peer.address);
    for (const pair of lab.pairs) {
      const { route, verified, httpBytes, deltaBytes } = run.package(pair);
      expect({ route, verified, httpBytes }).toEqual({
        route: 'delta',
        verified: true,
        httpBytes: deltaBytes,
      });
    }
    await system.aptDownloads();
    expect(debsAsked()).toEqual([]);
  });

  test('corrupted by site and peer: the full .deb', async () => {
    const system = await lab.system();
    const peer = await lyingPeer();
    corruptOnSite();
    expectFullFor(await system.fetch('--peer', peer.address), gd, 'hash-mismatch');
    await system.aptDownloads();
  });

  test('attack: a signed index that gives one package the delta of another', async () => {
    const out = join(await lab.folder('lying'), 'out');
    await cp(lab.out, out, { recursive: true });
    await resign(out, LAB_SUITE, {
      privateKey: await readFile(lab.home.signingKey, 'utf8'),
      index: (index) => {
        const other = index.packages.find((entry) => entry.package === xsl.package);
        const [stolen] = other?.deltas ?? [];
        if (stolen === undefined) throw new Error('no delta of the other');
        const packages = index.packages.map((entry) => {
          const lie = { ...stolen, oldPackage: gd.package, oldVersion: gd.oldVersion };
          return entry.package === gd.package ? { ...entry, deltas: [lie] } : entry;
        });
        return { ...index, packages };
      },
    });
    const [batch = ''] = await readdir(join(out, 'deltas'));
    const folder = join(out, 'deltas', batch);
    await copyFile(join(folder, deltaName(xsl)), join(folder, deltaName(gd)));
    const site = closing(await serveWithLog(out));
    const system = await lab.system({ url: site.url });
    const run = await system.fetch('--no-swarm', gd.package, ghostscript.package);
    expect(run.package(gd)).toMatchObject({ route: 'full', error: { code: 'index-mismatch' } });
    expect(run.package(ghostscript)).toMatchObject({ route: 'delta', verified: true });
    await system.aptDownloads();
  });

  /** No delta of libgd-tools, and these servers send only half of its .deb. */
  const cutDebs = (...servers: readonly ('mirror' | 'site')[]): void => {
    for (const server of ['mirror', 'site'] as const) {
      lab.misbehave(server, (path, response) => {
        if (path.endsWith(deltaName(gd))) response.writeHead(404).end();
        else if (path.endsWith('.deb') && servers.includes(server)) {
          response.writeHead(200, { 'content-length': gd.newSize });
          response.write(Buffer.alloc(gd.newSize / 2), () => response.destroy());
        } else return false;
        return true;
      });
    }
  };

  test('no delta, and the mirror’s .deb is cut: the full .deb of the site', async () => {
    const system = await lab.system();
    cutDebs('mirror');
    const run = await system.fetch('--no-swarm');
    expect(run.package(gd)).toMatchObject({ route: 'full', verified: true, handedOver: true });
    await system.aptDownloads();
  });

  test('no delta, and every .deb is cut: left to apt, nothing handed over', async () => {
    const system = await lab.system();
    cutDebs('mirror', 'site');
    const run = await system.fetch('--no-swarm');
    expect(run.package(gd)).toMatchObject({
      route: 'none',
      verified: false,
      handedOver: false,
      error: { code: 'http-failed' },
    });
    expect(run.package(ghostscript)).toMatchObject({ route: 'delta', handedOver: true });
    expect((await system.files('var/cache/apt/archives/partial')).join()).not.toMatch(gd.package);
    lab.behave();
    await system.aptDownloads();
    expect(debsAsked()).toEqual([expect.stringContaining(`/${gd.package}_`)]);
  });

  test('a source file was removed from the system: the full .deb', async () => {
    const system = await lab.system();
    await rm(join(system.root, 'usr/bin/gdtopng'));
    expectFullFor(await system.fetch('--no-swarm'), gd, 'source-changed');
    await system.aptDownloads();
  });

  test('a source file was modified: the full .deb', async () => {
    const system = await lab.system();
    await appendFile(join(system.root, 'usr/bin/gdtopng'), 'x');
    expectFullFor(await system.fetch('--no-swarm'), gd, 'source-changed');
    await system.aptDownloads();
  });
});
