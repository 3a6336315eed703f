import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { encodeMetrics, openCounter, type Metric } from '../../../generator/serve/metrics.js';
import { kindOf } from '../../../generator/serve/served-kinds.js';
import { serve } from '../../../generator/serve/serve.js';
import { encodeRelease } from '../../../shared/index/release.js';
import { closing, temporaryFolder } from '../../support/cleanup.js';
import { needs } from '../../support/needs.js';
import { noise } from '../../support/chunks.js';
import { makeTorrent } from '../../support/torrents.js';

const describeHere = await needs('python3');

/** Prometheus' own reader for Python. */
const READ = `
import json, sys
from prometheus_client.parser import text_string_to_metric_families as read
print(json.dumps([[s.name, f.type, f.documentation, s.labels, s.value] for f in read(sys.stdin.read()) for s in f.samples]))
`;

interface Read {
  readonly name: string;
  readonly kind: string;
  readonly help: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

function readMetrics(text: string): Read[] {
  const { stdout, stderr, status } = spawnSync('/usr/bin/python3', ['-c', READ], { input: text });
  if (status !== 0) throw new Error(stderr.toString());
  const lines = JSON.parse(stdout.toString()) as [string, string, string, Read['labels'], number][];
  return lines.map(([name, kind, help, labels, value]) => ({ name, kind, help, labels, value }));
}

test.each([
  ['/deltas/b/a_1_2_amd64.delta', 'delta'],
  ['/deltas/b/a_1_2_amd64.delta.meta4?x', 'metalink'],
  ['/pool/main/a/a_2_amd64.deb', 'deb'],
  ['/dists/bookworm/InRelease', 'index'],
  ['/torrents/b.torrent', 'torrent'],
  ['/a.delta', 'other'],
  ['', 'other'],
])('%s counts as %s', (url, kind) => {
  expect(kindOf(url)).toBe(kind);
});

describeHere("Prometheus' own parser", () => {
  test('reads back every label and number', () => {
    const labels = ['', 'plain', 'with "quotes"', 'back\\slash', 'two\nlines', '\\n', 'é€', '{},='];
    const counter = openCounter([]);
    labels.forEach((label, index) => {
      counter.add({ label, other: 'x' }, index + 0.5);
    });
    const metrics: Metric[] = [
      { name: 'a_total', kind: 'counter', help: 'First\\ly "this".', samples: counter.samples() },
      { name: 'b_bytes', kind: 'gauge', help: 'Then\nthat.', samples: [{ value: 1e21 }] },
      { name: 'c', kind: 'gauge', help: 'Nothing.', samples: [] },
    ];
    expect(readMetrics(encodeMetrics(metrics))).toEqual([
      ...labels.map((label, index) => ({
        name: 'a_total',
        kind: 'counter',
        help: 'First\\ly "this".',
        labels: { label, other: 'x' },
        value: index + 0.5,
      })),
      { name: 'b_bytes', kind: 'gauge', help: 'Then\nthat.', labels: {}, value: 1e21 },
    ]);
  });

  test('reads what a server tells of itself', async () => {
    const folder = await temporaryFolder();
    const made = await makeTorrent(join(folder, 'deltas'), 'b', { x: noise(60_000), y: noise(9) });
    await mkdir(join(folder, 'torrents'));
    await writeFile(join(folder, 'torrents/b.torrent'), made.torrent);
    const date = new Date('2026-01-02T03:04:05Z');
    const release = encodeRelease({
      origin: 'o',
      label: 'l',
      suite: 's/updates',
      codename: 's',
      date,
      validUntil: new Date(date.getTime() + 1000),
      components: ['main'],
      architectures: ['amd64'],
      counter: 1,
      archiveReleaseSha256: null,
      files: [],
    });
    await mkdir(join(folder, 'dists/s/updates'), { recursive: true });
    await writeFile(join(folder, 'dists/s/updates/Release'), release);
    const metrics = { host: '127.0.0.1', port: 0 };
    const server = closing(await serve(folder, { host: '127.0.0.1', metrics }));
    const url = server.metricsUrl ?? '';
    const get = async (path: string): Promise<void> => {
      await (await fetch(`${server.httpUrl ?? ''}${path}`)).arrayBuffer();
    };
    await get('torrents/b.torrent');
    await get('deltas/b/none.delta');
    const hash = made.info.infoHash.replace(/../g, '%$&');
    const announce = `peer_id=-XX0000-000000000000&port=1000&left=1&compact=1`;
    await fetch(`${server.announce[0] ?? ''}?info_hash=${hash}&${announce}`);
    await fetch(`${server.announce[0] ?? ''}?info_hash=${'%ab'.repeat(20)}&${announce}`);

    const read = async (): Promise<Read[]> => {
      const response = await fetch(url);
      expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
      return readMetrics(await response.text());
    };
    let all = await read();
    const value = (name: string, labels: Read['labels'] = {}): number | undefined =>
      all.find(
        (each) =>
          each.name === `debshoal_${name}` &&
          Object.entries(labels).every(([key, text]) => each.labels[key] === text),
      )?.value;
    const size = made.torrent.length;
    expect(value('http_requests_total', { kind: 'torrent', code: '200' })).toBe(1);
    expect(value('http_requests_total', { kind: 'delta', code: '404' })).toBe(1);
    expect(value('http_sent_bytes_total', { kind: 'torrent' })).toBe(size);
    expect(value('http_incomplete_total', { kind: 'deb' })).toBe(0);
    expect([value('published_torrents'), value('seeder_torrents')]).toEqual([1, 1]);
    expect([value('seeder_objects'), value('seeder_up')]).toEqual([2, 1]);
    expect(value('tracker_peers', { role: 'leecher' })).toBe(1);
    expect(value('tracker_refused_total')).toBe(1);
    const suite = { suite: 's/updates' };
    expect(value('index_published_timestamp_seconds', suite)).toBe(date.getTime() / 1000);
    expect(value('index_valid_until_timestamp_seconds', suite)).toBe(date.getTime() / 1000 + 1);
    for (const process of ['main', 'swarm']) {
      expect(value('process_resident_memory_bytes', { process })).toBeGreaterThan(1e6);
      expect(value('process_open_fds', { process })).toBeGreaterThan(3);
    }
    for (const { name, kind, help } of all) {
      expect([name, name.endsWith('_total')]).toEqual([name, kind === 'counter']);
      expect(name).not.toMatch(/_(?:ms|milliseconds|kb|mib|count)(?:_|$)/);
      expect(help).toMatch(/^[A-Z].*\.$/);
    }
    await get('dists/s/updates/Release');
    all = await read();
    expect(value('http_requests_total', { kind: 'index' })).toBe(1);
    expect((await fetch(url.replace('/metrics', '/'))).status).toBe(404);
    expect((await fetch(url, { method: 'POST' })).status).toBe(405);
  });

  test('a part that is not here has no samples', async () => {
    const folder = await temporaryFolder();
    const metrics = { host: '127.0.0.1', port: 0 };
    const server = closing(await serve(folder, { host: '127.0.0.1', parts: ['files'], metrics }));
    const text = await (await fetch(server.metricsUrl ?? '')).text();
    const names = readMetrics(text).map(({ name }) => name);
    expect(names).toContain('debshoal_http_requests_total');
    expect(names.filter((name) => /seeder|tracker/.test(name))).toEqual([]);
    expect([server.announce, server.swarmPort]).toEqual([[], null]);
  });
});
