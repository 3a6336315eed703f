import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  chmod,
  chown,
  mkdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { beforeEach, expect, test } from 'vitest';

import { ownReader, serviceReader } from '../../../client/confinement/privileged-reader.js';
import { closing, temporaryFolder } from '../../support/cleanup.js';
import { needs } from '../../support/needs.js';

const PROGRAM = fileURLToPath(new URL('../../../packaging/reader/read-installed', import.meta.url));
const TOOL = { package: 'tool', architecture: 'amd64', version: '1' };
const SECRET = '/usr/lib/tool/helper';
const CONTENT = 'what only root can read\n'.repeat(10_000);

const describeHere = await needs('root', 'perl', 'setpriv');

describeHere('the reader of what only root can read', () => {
  let root: string;
  let target: string;

  const at = (path: string): string => join(root, path);
  const put = async (path: string, content: string, mode = 0o600): Promise<void> => {
    await mkdir(dirname(at(path)), { recursive: true });
    await writeFile(at(path), content, { mode });
  };
  const sum = (content: string): string => createHash('md5').update(content).digest('hex');
  const record = async (
    name: string,
    files: Readonly<Record<string, string>>,
    listed = Object.keys(files),
  ): Promise<void> => {
    const sums = Object.entries(files).map(([path, text]) => `${sum(text)}  ${path.slice(1)}\n`);
    await put(`/var/lib/dpkg/info/${name}.list`, `/.\n${listed.join('\n')}\n`, 0o644);
    await put(`/var/lib/dpkg/info/${name}.md5sums`, sums.join(''), 0o644);
  };
  const signal = new AbortController().signal;
  const copy = (path: string, installed = TOOL): Promise<boolean> =>
    ownReader(root).copy(installed, path, target, signal);
  /** What the program itself says. */
  const answer = (request: string): string =>
    execFileSync(PROGRAM, [root], { input: request, maxBuffer: 1 << 24 }).toString('latin1');

  beforeEach(async () => {
    const folder = await temporaryFolder();
    [root, target] = [join(folder, 'root'), join(folder, 'copy')];
    await put(SECRET, CONTENT);
    await record('tool', { [SECRET]: CONTENT });
  });

  test('gives a file of a package as it was in its .deb', async () => {
    expect(await copy(SECRET)).toBe(true);
    expect(await readFile(target, 'utf8')).toBe(CONTENT);
    expect((await stat(target)).mode & 0o777).toBe(0o644);
    expect(answer(`tool amd64\n${SECRET}\n`)).toBe(`200 ${CONTENT.length}\n${CONTENT}`);
  });

  test('an empty file', async () => {
    await put(SECRET, '');
    await record('tool', { [SECRET]: '' });
    expect(await copy(SECRET)).toBe(true);
    expect((await stat(target)).size).toBe(0);
  });

  test('of several architectures side by side, the one that was asked for', async () => {
    await put('/usr/lib/arm64/x', 'arm');
    await record('tool:arm64', { '/usr/lib/arm64/x': 'arm' });
    expect(await copy('/usr/lib/arm64/x', { ...TOOL, architecture: 'arm64' })).toBe(true);
    await rm(target);
    expect(await copy('/usr/lib/arm64/x')).toBe(false);
  });

  test('through /lib, which leads into /usr', async () => {
    await put('/usr/lib/x', 'x');
    await symlink('usr/lib', at('/lib'));
    await record('tool', { '/lib/x': 'x' });
    expect(await copy('/lib/x')).toBe(true);
  });

  // Nothing of a refused file is left.
  const refuses = async (path: string, reason: RegExp): Promise<void> => {
    expect(await copy(path)).toBe(false);
    await expect(stat(target)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(answer(`tool amd64\n${path}\n`)).toMatch(reason);
  };

  test('no file that the package does not list', async () => {
    await put('/etc/shadow', 'secret');
    await refuses('/etc/shadow', /^400 not a file of this package\n$/);
  });

  test('no file of a package that is not there', () => {
    expect(answer(`other amd64\n${SECRET}\n`)).toMatch(/^400 /);
  });

  test('no conffile, even if its checksum is recorded', async () => {
    await put('/etc/tool.conf', 'password');
    await record('tool', { '/etc/tool.conf': 'password' });
    await put('/var/lib/dpkg/info/tool.conffiles', '/etc/tool.conf\n', 0o644);
    await refuses('/etc/tool.conf', /^400 a conffile\n$/);
  });

  test('no listed file without a checksum, such as a log', async () => {
    await put('/var/log/tool', 'secret');
    await record('tool', {}, ['/var/log/tool']);
    await refuses('/var/log/tool', /^400 a file without a checksum\n$/);
  });

  test('no file that was changed', async () => {
    await put(SECRET, `${CONTENT}and a password`);
    await refuses(SECRET, /^400 the file was changed\n$/);
  });

  test('no link in the place of a file, wherever it leads', async () => {
    await rename(at(SECRET), at('/elsewhere'));
    await symlink('/elsewhere', at(SECRET));
    await refuses(SECRET, /^400 not a regular file\n$/);
  });

  test('no link in the place of a folder, not even to the same content', async () => {
    await rename(at('/usr/lib/tool'), at('/usr/lib/moved'));
    await symlink('moved', at('/usr/lib/tool'));
    await refuses(SECRET, /^400 a file behind a link\n$/);
  });

  test.each(['FIFO', 'device'])('no %s, which is not even opened', async (kind) => {
    await rm(at(SECRET));
    if (kind === 'FIFO') execFileSync('mkfifo', [at(SECRET)]);
    // Opening this terminal would fail: there is no such device.
    else execFileSync('mknod', [at(SECRET), 'c', '4', '250']);
    await refuses(SECRET, /^400 not a regular file\n$/);
  });

  test('no folder', async () => {
    await record('tool', { '/usr/lib/tool': CONTENT });
    await refuses('/usr/lib/tool', /^400 not a regular file\n$/);
  });

  test.each([
    '/usr/lib/tool/../tool/helper',
    '/usr/lib/./tool/helper',
    '/usr/lib//tool/helper',
    'usr/lib/tool/helper',
    '/usr/lib/tool/helper/',
    '/usr/lib/tool/helper\0',
    '',
  ])('no path that dpkg would not write: %j', async (path) => {
    await record('tool', { [path]: CONTENT, [SECRET]: CONTENT });
    await refuses(path, /^400 not a request\n$/);
  });

  test.each(['../tool amd64', 'tool ../x', 'tool', 'TOOL amd64', 'tool amd64 x', ''])(
    'no package that has no such name: %j',
    (name) => {
      expect(answer(`${name}\n${SECRET}\n`)).toBe('400 not a request\n');
    },
  );

  test('no second line in a path', async () => {
    expect(await copy(`/x\n${SECRET}`)).toBe(false);
  });

  test('a request that never ends, or ends too early', () => {
    expect(answer('x'.repeat(100_000))).toBe('400 a request too long\n');
    expect(answer('tool amd64\n/x')).toBe('400 the request ended too early\n');
  });

  test('what is sent is what was checked, whoever writes to the file meanwhile', async () => {
    const place = CONTENT.indexOf('w', 100_000);
    const writer = `const file = fs.openSync(process.argv[1], 'r+');
      for (;;) for (const text of ['x', 'w']) fs.writeSync(file, text, ${place});`;
    const child = spawn(process.execPath, ['-e', writer, at(SECRET)]);
    closing({ close: () => child.kill('SIGKILL') });
    for (let given = 0; given < 5;) {
      if (!(await copy(SECRET))) continue;
      expect(await readFile(target, 'utf8')).toBe(CONTENT);
      await rm(target);
      given++;
    }
  });

  test('over a socket: its owner is served, another user cannot connect', async () => {
    const folder = await temporaryFolder();
    await chmod(folder, 0o755);
    const path = join(folder, 'socket');
    // As systemd does with Accept=yes.
    const server = createServer({ pauseOnConnect: true }, (socket) => {
      spawn(PROGRAM, [root], { stdio: [socket, socket, 'inherit'] }).on('exit', () => {
        socket.destroy();
      });
    });
    closing(server);
    await once(server.listen(path), 'listening');
    await chmod(path, 0o600);
    await chown(path, 12_345, 12_345);
    expect(await serviceReader(path).copy(TOOL, SECRET, target, signal)).toBe(true);
    expect(await readFile(target, 'utf8')).toBe(CONTENT);

    const asUser = (uid: number): string => {
      const script = `require('net').connect(process.argv[1])
        .on('connect', () => { console.log('connected'); process.exit(); })
        .on('error', ({ code }) => console.log(code));`;
      const user = ['--reuid', `${uid}`, '--regid', `${uid}`, '--clear-groups'];
      const args = [...user, process.execPath, '-e', script, path];
      return execFileSync('setpriv', args).toString().trim();
    };
    expect(asUser(12_345)).toBe('connected');
    expect(asUser(12_346)).toBe('EACCES');
  });

  test('no service: nothing is given', async () => {
    expect(await serviceReader(join(root, 'nobody')).copy(TOOL, SECRET, target, signal)).toBe(
      false,
    );
  });
});
