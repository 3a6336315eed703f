import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { DEFAULT_SETTINGS, type Settings } from '../../../client/config/settings.js';
import { openSharing, type Sharing, type SharedObject } from '../../../client/sharing/sharing.js';
import { sharingSwarmOptions } from '../../../client/sharing/swarm-options.js';
import { startSwarm, type Swarm } from '../../../shared/swarm/swarm.js';
import { noise } from '../../support/chunks.js';
import { closing, temporaryFolder, until } from '../../support/cleanup.js';
import { makeHole, makeTorrent, type MadeTorrent } from '../../support/torrents.js';

const host = '127.0.0.1';

interface Machine {
  readonly sharing: Sharing;
  readonly swarm: Swarm;
  readonly folder: string;
  readonly conditions: { metered: boolean; battery: boolean; vpn: boolean };
  readonly warnings: string[];
  readonly install: (version: string | null) => Promise<void>;
  /** The same machine after a restart of the daemon. */
  readonly reopen: () => Promise<Sharing>;
}

const machine = async (settings: Partial<Settings> = {}, budget = 1e9): Promise<Machine> => {
  const folder = await temporaryFolder();
  const all = { ...DEFAULT_SETTINGS, share: 'lan', ...settings } as const;
  const swarm = closing(
    await startSwarm({ ...(await sharingSwarmOptions(all)), host, lan: false }),
  );
  const conditions = { metered: false, battery: false, vpn: false };
  const warnings: string[] = [];
  await mkdir(join(folder, 'root/var/lib/dpkg'), { recursive: true });
  const open = async (): Promise<Sharing> =>
    closing(
      await openSharing({
        settings: all,
        swarm: () => swarm,
        stateFolder: join(folder, 'state'),
        root: join(folder, 'root'),
        budget: () => budget,
        conditions,
        now: () => new Date(),
        onWarning: (text) => warnings.push(text),
      }),
    );
  const sharing = await open();
  return {
    sharing,
    swarm,
    folder,
    conditions,
    warnings,
    reopen: open,
    install: async (version) => {
      const stanza =
        version === null
          ? ''
          : `Package: tool\nStatus: install ok installed\nArchitecture: amd64\nVersion: ${version}\n\n`;
      // Another inode each time: two changes within one tick of the clock are two changes.
      await rm(join(folder, 'root/var/lib/dpkg/status'), { force: true });
      await writeFile(join(folder, 'root/var/lib/dpkg/status'), stanza);
      await sharing.refresh();
    },
  };
};

const offered = async (
  { folder }: Machine,
  version = '2',
  seed = 1,
): Promise<MadeTorrent & { object: SharedObject; content: Buffer }> => {
  const content = noise(100_000, seed);
  const name = `tool_${version}.delta`;
  const made = await makeTorrent(join(folder, `made-${seed}`), name, { [name]: content });
  const object = {
    path: made.paths[0] ?? '',
    torrent: made.torrent,
    filePath: null,
    trackers: [],
    package: 'tool',
    architecture: 'amd64',
    version,
    suite: 'trixie',
  };
  return { ...made, object, content };
};

/** What a stranger gets of a torrent from the machine within a second. */
const fetchFrom = async (
  swarm: Swarm,
  { torrent, info }: MadeTorrent,
  index = 0,
): Promise<Buffer> => {
  const leecher = closing(await startSwarm({ host, upload: false }));
  const size = info.files[index]?.length ?? 0;
  const path = await makeHole(join(await temporaryFolder(), 'got'), size);
  let bytes = 0;
  const download = leecher.download(
    {
      torrent,
      trackers: [],
      peers: [`${host}:${swarm.port}`],
      start: { file: 0, offset: 0 },
      files: [{ index, path, missing: [{ start: 0, end: size }] }],
    },
    (event) => {
      if (event.kind === 'verified') bytes += event.end - event.start;
    },
  );
  const end = Date.now() + 1000;
  while (bytes < size && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
  await download.release(index);
  return (await readFile(path)).subarray(0, bytes);
};

test('shared only after it was installed, and not when another version is', async () => {
  const one = await machine();
  await one.install('1');
  const made = await offered(one);
  await one.sharing.offer(made.object);
  // The caller's own copy is not needed any more.
  await rm(made.object.path);
  expect(one.sharing.status()).toMatchObject({ objects: 1, seeding: 0, bytesOnDisk: 100_000 });
  expect(await fetchFrom(one.swarm, made)).toHaveLength(0);

  await one.install('2');
  expect(one.sharing.status()).toMatchObject({ objects: 1, seeding: 1 });
  expect(made.content.equals(await fetchFrom(one.swarm, made))).toBe(true);
  await until(() => one.sharing.status().uploadedLocally >= 100_000);

  await one.install('3');
  expect(one.sharing.status()).toMatchObject({ objects: 0, seeding: 0, bytesOnDisk: 0 });
  expect(await fetchFrom(one.swarm, made)).toHaveLength(0);
  expect(one.warnings).toEqual([]);
});

test('removing the package withdraws it', async () => {
  const one = await machine();
  await one.install('2');
  await one.sharing.offer((await offered(one)).object);
  expect(one.sharing.status().seeding).toBe(1);
  await one.install(null);
  expect(one.sharing.status()).toMatchObject({ objects: 0, seeding: 0 });
});

test('after a restart it goes on, counts included', async () => {
  const one = await machine();
  await one.install('2');
  const made = await offered(one);
  await one.sharing.offer(made.object);
  expect(await fetchFrom(one.swarm, made)).toHaveLength(100_000);
  await until(() => one.sharing.status().uploadedLocally >= 100_000);
  await one.sharing.close();
  expect(await fetchFrom(one.swarm, made)).toHaveLength(0);
  const again = await one.reopen();
  expect(again.status()).toMatchObject({ objects: 1, seeding: 1 });
  expect(again.status().uploadedLocally).toBeGreaterThanOrEqual(100_000);
  expect(await fetchFrom(one.swarm, made)).toHaveLength(100_000);
});

test('a metered link and a battery pause it, and it goes on later', async () => {
  const one = await machine();
  await one.install('2');
  const made = await offered(one);
  await one.sharing.offer(made.object);
  one.conditions.metered = true;
  await one.sharing.refresh();
  expect(one.sharing.status()).toMatchObject({ paused: 'metered', seeding: 0, objects: 1 });
  expect(await fetchFrom(one.swarm, made)).toHaveLength(0);
  one.conditions.metered = false;
  await one.sharing.refresh();
  expect(await fetchFrom(one.swarm, made)).toHaveLength(100_000);
});

test('with share = nobody nothing is kept', async () => {
  const one = await machine({ share: 'nobody' });
  await one.install('2');
  await one.sharing.offer((await offered(one)).object);
  expect(one.sharing.status()).toMatchObject({ paused: 'nobody', objects: 0, seeding: 0 });
});

test('the oldest gives way when the budget is used up', async () => {
  const one = await machine({}, 150_000);
  await one.install('2');
  await one.sharing.offer((await offered(one, '2', 1)).object);
  await new Promise((resolve) => setTimeout(resolve, 5));
  const newer = await offered(one, '2', 2);
  await one.sharing.offer(newer.object);
  expect(one.sharing.status()).toMatchObject({ objects: 1, seeding: 1, bytesOnDisk: 100_000 });
  expect(await fetchFrom(one.swarm, newer)).toHaveLength(100_000);
});

test('one delta of a batch: whole pieces of it are given', async () => {
  const one = await machine();
  await one.install('2');
  const files = { a: noise(20_000, 1), b: noise(100_000, 2), c: noise(20_000, 3) };
  const made = await makeTorrent(join(one.folder, 'batch'), 'batch', files);
  const { object } = await offered(one);
  const path = made.paths[1] ?? '';
  await one.sharing.offer({ ...object, torrent: made.torrent, filePath: 'b', path });
  expect(one.sharing.status()).toMatchObject({ objects: 1, seeding: 1 });
  // Bytes 20,000 to 120,000 hold the pieces 2 to 6 of 16 KiB.
  expect(await fetchFrom(one.swarm, made, 1)).toHaveLength(5 * 16_384);
});

test('a file that was changed on disk is thrown away, with a warning', async () => {
  const one = await machine();
  const made = await offered(one);
  await one.install('1');
  await one.sharing.offer(made.object);
  await writeFile(join(one.folder, 'state/shared', made.info.infoHash, '0'), noise(100_000, 9));
  await one.install('2');
  await until(() => one.sharing.status().objects === 0);
  expect(one.sharing.status()).toMatchObject({ objects: 0, seeding: 0 });
  await until(() => one.warnings.length > 0);
  expect(one.warnings).toEqual([expect.stringContaining('tool is not shared')]);
});

test('a seed that waits for a download holds up nothing else', async () => {
  const one = await machine();
  await one.install('2');
  const made = await offered(one);
  const other = await offered(one, '2', 2);
  const path = await makeHole(join(one.folder, 'again'), 100_000);
  const { torrent } = made;
  const files = [{ index: 0, path, missing: [] }];
  const start = { file: 0, offset: 0 };
  const request = { torrent, trackers: [], peers: [], start, files };
  const download = one.swarm.download(request, () => undefined);
  await one.sharing.offer(made.object);
  await one.sharing.offer(other.object);
  await until(() => one.swarm.isActive(other.info.infoHash));
  expect(await fetchFrom(one.swarm, other)).toHaveLength(100_000);
  one.conditions.metered = true;
  void one.sharing.refresh();
  expect(await fetchFrom(one.swarm, other)).toHaveLength(0);
  download.stop();
});

test('before anybody has looked at the conditions nothing is uploaded', async () => {
  const settings = { ...DEFAULT_SETTINGS, share: 'internet' } as const;
  const options = { ...(await sharingSwarmOptions(settings)), host, lan: false };
  const swarm = closing(await startSwarm(options));
  const made = await makeTorrent(await temporaryFolder(), 'a', { a: noise(100_000) });
  await swarm.seed({ torrent: made.torrent, paths: made.paths, trackers: [] });
  expect(await fetchFrom(swarm, made)).toHaveLength(0);
  swarm.allowUploads({ local: true, beyondBytes: 0 });
  expect(await fetchFrom(swarm, made)).toHaveLength(100_000);
});

test('what is still downloaded stays near when its suite has had its share', async () => {
  const one = await machine({ share: 'internet', uploadPerReleaseBytes: 1000 });
  const made = await offered(one);
  expect(one.sharing.downloading(made.info.infoHash, 'trixie')).toBe(false);
  const none = await machine({ share: 'internet', uploadPerReleaseBytes: 0 });
  expect(none.sharing.downloading(made.info.infoHash, 'trixie')).toBe(true);
  const lan = await machine({ share: 'lan' });
  expect(lan.sharing.downloading(made.info.infoHash, 'trixie')).toBe(true);
});

test('what is downloaded again rests as a seed meanwhile', async () => {
  const one = await machine();
  await one.install('2');
  const made = await offered(one);
  await one.sharing.offer(made.object);
  const path = await makeHole(join(one.folder, 'again'), 100_000);
  const download = one.swarm.download(
    {
      torrent: made.torrent,
      trackers: [],
      peers: [],
      start: { file: 0, offset: 0 },
      files: [{ index: 0, path, missing: [] }],
    },
    () => undefined,
  );
  expect(await fetchFrom(one.swarm, made)).toHaveLength(0);
  download.stop();
  await until(() => one.swarm.isActive(made.info.infoHash));
  expect(await fetchFrom(one.swarm, made)).toHaveLength(100_000);
});

test.each([
  ['no file is named', null],
  ['it is not there', '/no/such/file'],
])('a group without its secret: %s', async (_, groupKey) => {
  const settings = { ...DEFAULT_SETTINGS, share: 'group', groupKey } as const;
  await expect(sharingSwarmOptions(settings)).rejects.toMatchObject({ code: 'config-invalid' });
});

test('a secret that can be guessed is refused', async () => {
  const groupKey = join(await temporaryFolder(), 'secret');
  await writeFile(groupKey, 'swordfish\n');
  const settings = { ...DEFAULT_SETTINGS, share: 'group', groupKey } as const;
  await expect(sharingSwarmOptions(settings)).rejects.toMatchObject({ code: 'config-invalid' });
  await writeFile(groupKey, `${'0123456789abcdef'.repeat(4)}\n`);
  expect((await sharingSwarmOptions(settings)).groupKey).toHaveLength(32);
});
