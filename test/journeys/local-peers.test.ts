import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import {
  openLabNetwork,
  UNLIMITED,
  type LabHost,
  type LabNetwork,
} from '../../bench/swarm/lab-network.js';
import { runTool } from '../../shared/io/run-tool.js';
import { noise } from '../support/chunks.js';
import { closing, temporaryFolder, until } from '../support/cleanup.js';
import { startLabPeer, type LabPeer } from '../support/lab-peer.js';
import { needs } from '../support/needs.js';
import { makeTorrent, type MadeTorrent } from '../support/torrents.js';

const SIZE = 600_000;
const SECRET = '0123456789abcdef'.repeat(4);

const describeHere = await needs('root', 'ip', 'nsenter', 'aria2c', 'opentracker');

interface Object extends MadeTorrent {
  readonly folder: string;
  readonly torrentPath: string;
  readonly path: string;
  readonly content: Buffer;
}

describeHere('computers on one network', () => {
  let network: LabNetwork;
  /** Each has an address of the house, and one that strangers share. */
  let hosts: readonly [LabHost, LabHost, LabHost];
  const publicOf = (host: LabHost): string => `198.51.100.${host.address.split('.').at(-1) ?? ''}`;

  beforeAll(async () => {
    network = await openLabNetwork();
    hosts = [
      await network.host(UNLIMITED),
      await network.host(UNLIMITED),
      await network.host(UNLIMITED),
    ];
    for (const host of hosts) {
      await on(host, 'ip', 'addr', 'add', `${publicOf(host)}/24`, 'dev', 'eth0');
      // A default route, as every computer has: aria2 announces through it.
      await on(host, 'ip', 'route', 'add', 'default', 'dev', 'eth0');
    }
  }, 60_000);
  afterAll(() => network.close());

  const on = async (host: LabHost, ...command: string[]): Promise<void> => {
    const [program = '', ...args] = [...host.prefix, ...command];
    await runTool(program, args, { maxOutput: 10_000 });
  };
  /** Runs until the end of the test. */
  const running = (host: LabHost, ...command: string[]): void => {
    const [program = '', ...args] = [...host.prefix, ...command];
    const child = spawn(program, args, { stdio: 'ignore' });
    closing({
      close: async () => {
        child.kill('SIGKILL');
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      },
    });
  };
  const makeObject = async ({ isPrivate = false } = {}): Promise<Object> => {
    const folder = await temporaryFolder();
    const content = noise(SIZE, Math.floor(Math.random() * 1e6));
    const made = await makeTorrent(join(folder, 'seed'), 'object', { object: content });
    const torrentPath = join(folder, 'object.torrent');
    // The info dictionary is last, and `private` its last key.
    const end = Buffer.from('7:privatei1eee');
    const bytes = isPrivate ? Buffer.concat([made.torrent.subarray(0, -2), end]) : made.torrent;
    await writeFile(torrentPath, bytes);
    return { ...made, folder, torrentPath, content, path: made.paths[0] ?? '' };
  };
  const seeding = async (host: LabHost, object: Object, more: object = {}): Promise<LabPeer> => {
    const { torrentPath, path } = object;
    const swarm = { upload: true, reach: 'lan', lan: true } as const;
    return closing(await startLabPeer(host, { swarm, torrentPath, path, seeds: true, ...more }));
  };
  let downloads = 0;
  const fetching = async (
    host: LabHost,
    { torrentPath, folder }: Object,
    more: object = {},
  ): Promise<LabPeer & { path: string }> => {
    const swarm = { upload: false, lan: true };
    const path = join(folder, `got-${++downloads}`);
    const peer = await startLabPeer(host, { swarm, torrentPath, path, seeds: false, ...more });
    return { ...closing(peer), path };
  };
  /** No peers are known, and nobody who knows them. */
  const alone = { peers: [], trackers: [] };

  test('find each other without anybody else, whatever a third one shouts', async () => {
    const [one, two, loud] = hosts;
    const [object, later] = [await makeObject(), await makeObject()];
    const seeder = await seeding(one, object);
    running(loud, process.execPath, '-e', SHOUT);
    const client = await fetching(two, object, alone);
    await until(() => client.verified() === SIZE);
    expect(object.content.equals(await readFile(client.path))).toBe(true);
    // Who asks first is found when somebody has it.
    const early = await fetching(two, later, alone);
    const second = await seeding(one, later);
    await until(() => early.verified() === SIZE);
    await until(() => seeder.uploaded().local >= SIZE);
    expect([seeder.uploaded().beyond, second.uploaded().beyond]).toEqual([0, 0]);
    for (const { pid } of [seeder, client]) expect(process.kill(pid, 0)).toBe(true);
  });

  test('a private torrent is neither announced to neighbours nor looked for', async () => {
    const [one, two] = hosts;
    const [secret, object] = [await makeObject({ isPrivate: true }), await makeObject()];
    await seeding(one, secret);
    const lost = await fetching(two, secret, alone);
    await seeding(one, object);
    const client = await fetching(two, object, alone);
    await until(() => client.verified() === SIZE);
    expect(lost.verified()).toBe(0);
  });

  test('a peer that gives nothing itself tells who does', async () => {
    const [one, two, three] = hosts;
    const object = await makeObject();
    const everybody = { upload: true, reach: 'internet' } as const;
    const slow = { ...everybody, uploadBytesPerSecond: 150_000 };
    const source = await seeding(one, object, { swarm: slow });
    const between = await fetching(two, object, {
      swarm: everybody,
      peers: [`${publicOf(one)}:${source.port}`],
      beyondBytes: 0,
    });
    await until(() => between.verified() > 0);
    const client = await fetching(three, object, {
      swarm: { upload: false },
      peers: [`${publicOf(two)}:${between.port}`],
    });
    await until(() => client.verified() === SIZE);
    expect(between.uploaded().beyond).toBe(0);
    expect(object.content.equals(await readFile(client.path))).toBe(true);
  });

  test('aria2 finds us, and we find libtorrent', async () => {
    const [one, two, three] = hosts;
    const object = await makeObject();
    await seeding(one, object);
    const target = join(object.folder, 'aria2');
    await mkdir(target);
    await on(
      ...([two, 'aria2c', '--bt-enable-lpd=true', '--enable-dht=false'] as const),
      ...['--enable-peer-exchange=false', '--seed-time=0', '--bt-lpd-interface=eth0'],
      ...['--quiet', `--dir=${target}`, object.torrentPath],
    );
    expect(object.content.equals(await readFile(join(target, 'object')))).toBe(true);

    const other = await makeObject();
    const client = await fetching(two, other, alone);
    running(
      three,
      '/usr/bin/python3',
      '-c',
      LIBTORRENT,
      other.torrentPath,
      join(other.folder, 'seed'),
    );
    await until(() => client.verified() === SIZE);
  });

  test('the scope lan gives strangers nothing, and internet only what is left', async () => {
    const [one, two, three] = hosts;
    const object = await makeObject();
    const home = await seeding(one, object);
    const stranger = await fetching(two, object, {
      swarm: { upload: false },
      peers: [`${publicOf(one)}:${home.port}`],
    });
    const neighbour = await fetching(two, object, {
      swarm: { upload: false },
      peers: [`${one.address}:${home.port}`],
    });
    await until(() => neighbour.verified() === SIZE);
    expect(stranger.verified()).toBe(0);

    const open = await seeding(three, object, {
      swarm: { upload: true, reach: 'internet' },
      beyondBytes: 200_000,
    });
    const greedy = await fetching(two, object, {
      swarm: { upload: false },
      peers: [`${publicOf(three)}:${open.port}`],
    });
    await until(() => open.uploaded().beyond >= 200_000);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(open.uploaded().beyond).toBeLessThan(200_000 + 16_384);
    expect(greedy.verified()).toBeLessThanOrEqual(200_000 + 16_384);
  });

  test('a group gives its members alone', async () => {
    const [one, two, three] = hosts;
    const object = await makeObject();
    const group = (groupKey: string) => ({ upload: true, reach: 'group', groupKey }) as const;
    const seeder = await seeding(one, object, { swarm: group(SECRET) });
    const peers = [`${publicOf(one)}:${seeder.port}`];
    const strangers = [
      await fetching(three, object, { swarm: { upload: false }, peers }),
      await fetching(three, object, { swarm: group('f'.repeat(64)), peers }),
    ];
    const member = await fetching(two, object, { swarm: group(SECRET), peers });
    await until(() => member.verified() === SIZE);
    expect(strangers.map((stranger) => stranger.verified())).toEqual([0, 0]);
    await until(() => seeder.uploaded().beyond >= SIZE);
  });

  test.each(['http', 'udp'])(
    'opentracker introduces strangers to each other: %s',
    async (scheme) => {
      const [one, two, three] = hosts;
      const object = await makeObject();
      // As `nobody`, it reads the list below the folder that it has made its root.
      const root = join(object.folder, 'tracker');
      await mkdir(root);
      await chmod(root, 0o755);
      await writeFile(join(root, 'whitelist'), `${object.info.infoHash}\n`);
      const at = ['-i', publicOf(three), '-p', '6969', '-P', '6969'];
      running(three, 'opentracker', ...at, '-d', root, '-w', 'whitelist');
      await new Promise((resolve) => setTimeout(resolve, 500));
      const trackers = [`${scheme}://${publicOf(three)}:6969/announce`];
      const everybody = { upload: true, reach: 'internet' };
      await seeding(one, object, { swarm: everybody, trackers });
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const client = await fetching(two, object, { swarm: { upload: false }, trackers });
      await until(() => client.verified() === SIZE);
    },
  );
});

/** Sends what ends other clients, and a flood of announcements, for as long as it runs. */
const SHOUT = `
const socket = require('node:dgram').createSocket('udp4');
socket.bind(0, () => {
  const shout = (text) => socket.send(text, 6771, '239.192.152.143', () => undefined);
  let n = 0;
  setInterval(() => {
    shout('BT-SEARCH * HTTP/1.1');
    shout('');
    const hash = String(n++).padStart(40, 'a');
    shout('BT-SEARCH * HTTP/1.1\\r\\nHost: 239.192.152.143:6771\\r\\nPort: 9\\r\\nInfohash: ' + hash + '\\r\\n\\r\\n\\r\\n');
  }, 5);
});`;

/** Seeds with local service discovery alone; arguments: torrent, folder. */
const LIBTORRENT = `
import sys, time, libtorrent as lt
session = lt.session({'listen_interfaces': '0.0.0.0:6994', 'enable_dht': False, 'enable_lsd': True,
    'enable_upnp': False, 'enable_natpmp': False, 'enable_incoming_utp': False,
    'enable_outgoing_utp': False})
params = lt.add_torrent_params()
params.ti = lt.torrent_info(sys.argv[1])
params.save_path = sys.argv[2]
params.flags |= lt.torrent_flags.seed_mode
session.add_torrent(params)
while True: time.sleep(60)
`;
