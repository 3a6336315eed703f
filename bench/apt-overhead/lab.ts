import { randomBytes } from 'node:crypto';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { serveStatic } from '../../generator/serve/static-files.js';
import { controlField, writePlainArchive } from '../main-job/plain-archive.js';

/** A system of its own and its mirror, on the loopback. */
export interface Lab {
  readonly root: string;
  /** Arguments for apt that put our method between it and its own. */
  readonly withMethod: readonly string[];
  readonly socket: string;
  /** Empties apt's cache of packages. */
  forget(): Promise<void>;
  close(): Promise<void>;
}

const SUITE = 'lab';
const HOST = '127.0.0.1';
const PACKAGING = fileURLToPath(new URL('../../../packaging/', import.meta.url));

/**
 * Makes, in the empty `folder`, a mirror with version 2 of `count` packages of `size` random bytes,
 * and a system that has version 1. They are never installed, so they need not be packages.
 */
export async function makeLab(folder: string, count: number, size: number): Promise<Lab> {
  const [archive, root] = [join(folder, 'archive'), join(folder, 'root')];
  await mkdir(archive);
  const controls = new Map<string, string>();
  for (let i = 1; i <= count; i++) {
    const path = join(folder, `lab-${i}.deb`);
    await writeFile(path, randomBytes(size));
    controls.set(path, controlOf(i));
  }
  await writePlainArchive(archive, {
    suite: SUITE,
    architectures: ['amd64'],
    debs: [...controls.keys()],
    controlOf: (deb) => Promise.resolve(controls.get(deb) ?? ''),
  });
  const mirror = await serveStatic(archive, { host: HOST, port: 0 });
  await makeSystem(root, `http://${HOST}:${mirror.port}/`, [...controls.values()]);
  const socket = join(root, 'run/debshoal/socket');
  return {
    root,
    withMethod: await installMethod(root, socket),
    socket,
    forget: async () => {
      await rm(join(root, 'var/cache/apt/archives'), { recursive: true, force: true });
      await mkdir(join(root, 'var/cache/apt/archives/partial'), { recursive: true });
    },
    close: () => mirror.close(),
  };
}

function controlOf(number: number): string {
  const fields = [`Package: lab-${number}`, 'Version: 2', 'Architecture: amd64'];
  return [...fields, 'Maintainer: Nobody <nobody@example.org>', 'Description: lab'].join('\n');
}

async function makeSystem(root: string, url: string, controls: readonly string[]): Promise<void> {
  const etc = join(root, 'etc/apt');
  for (const name of ['apt.conf.d', 'preferences.d', 'sources.list.d', 'trusted.gpg.d']) {
    await mkdir(join(etc, name), { recursive: true });
  }
  for (const name of ['var/lib/apt/lists/partial', 'var/lib/dpkg/info', 'run/debshoal']) {
    await mkdir(join(root, name), { recursive: true });
  }
  // The folders belong to whoever runs this, and so must apt's methods.
  await writeFile(join(etc, 'apt.conf.d/lab'), 'APT::Sandbox::User "root";\n');
  await writeFile(join(etc, 'sources.list'), `deb [trusted=yes] ${url} ${SUITE} main\n`);
  const installed = controls.map((control) => {
    const old = control.replace('Version: 2', 'Version: 1');
    return `${old}\nStatus: install ok installed\n`;
  });
  await writeFile(join(root, 'var/lib/dpkg/status'), installed.join('\n'));
  await writeFile(join(root, 'var/lib/dpkg/arch'), 'amd64\n');
  for (const control of controls) {
    await writeFile(
      join(root, 'var/lib/dpkg/info', `${controlField(control, 'Package')}.list`),
      '',
    );
  }
}

/** As installed, but below `root`. */
async function installMethod(root: string, socket: string): Promise<string[]> {
  const relay = join(root, 'usr/lib/debshoal/apt-method');
  await cp(join(PACKAGING, 'apt-method'), relay, { recursive: true });
  const guard = join(root, 'guard');
  const text = (await readFile(join(PACKAGING, 'apt.conf.d/60debshoal-http'), 'utf8'))
    .replaceAll('/usr/lib/debshoal/apt-method', relay)
    .replaceAll('/run/debshoal', join(root, 'run/debshoal'));
  await writeFile(guard, text, { mode: 0o755 });
  const settings = [`Dir::Bin::Methods::http=${guard}`, `Acquire::Debshoal::Socket=${socket}`];
  return settings.flatMap((setting) => ['-o', setting]);
}
