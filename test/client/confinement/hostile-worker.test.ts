import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

import { expect, test } from 'vitest';

import { rebuildConfined } from '../../../client/confinement/confined-rebuild.js';
import { confinedBy, type ConfinementLevel } from '../../../client/confinement/find-confinement.js';
import type { ResourceLimits } from '../../../client/confinement/resource-limits.js';
import { NOBODY } from '../../../client/confinement/sandbox.js';
import { isDebshoalError } from '../../../shared/errors.js';
import { runTool } from '../../../shared/io/run-tool.js';
import { asNobody } from '../../support/as-nobody.js';
import { closing, temporaryFolder } from '../../support/cleanup.js';
import { needs } from '../../support/needs.js';

const WORKER = fileURLToPath(
  new URL('../../../dist/test/support/hostile-worker.js', import.meta.url),
);
const MIB = 2 ** 20;
const LIMITS: ResourceLimits = {
  memoryBytes: 400 * MIB,
  cpuSeconds: 30,
  wallSeconds: 60,
  diskBytes: 16 * MIB,
};
const SIZE = 100_000;
const OTHERS = { reader: null, prefix: [], signal: new AbortController().signal };

interface Attack {
  readonly name: string;
  readonly argument?: string;
  readonly level?: ConfinementLevel;
  readonly limits?: Partial<ResourceLimits>;
  readonly size?: number;
}

/** What comes of it: the failure, or the path of what the worker has made; and what is left. */
async function attack({ name, argument = '', level = 'sandbox', limits, size = SIZE }: Attack) {
  const base = await temporaryFolder();
  const [root, finished] = [join(base, 'root'), join(base, 'finished')];
  await mkdir(root);
  await mkdir(finished);
  // Without a sandbox it has to get there.
  if (level !== 'sandbox') await chmod(base, 0o711);
  const [deltaPath, target] = [join(base, 'delta'), join(finished, 'x.deb')];
  await writeFile(deltaPath, 'a delta');
  const confinement = confinedBy(level, level === 'none' ? null : NOBODY);
  const expected = { size, sha256: '' };
  const old = { package: name, architecture: 'amd64', version: argument };
  const task = { root, old, form: 'exact' as const, expected, threads: 1 };
  const rebuild = { ...OTHERS, deltaPath, target, task, limits: { ...LIMITS, ...limits } };
  try {
    await rebuildConfined(confinement, rebuild, WORKER);
    return { target, code: 'none', message: '', left: await readdir(finished) };
  } catch (error) {
    if (!isDebshoalError(error)) throw error;
    const { code, message } = error;
    return { target, code, message, left: await readdir(finished) };
  }
}

async function said(name: string, argument?: string): Promise<string> {
  const { message, code, left } = await attack({
    name,
    ...(argument !== undefined && { argument }),
  });
  expect({ code, left }).toEqual({ code: 'delta-damaged', left: [] });
  return message;
}

const describeHere = await needs('root', 'bwrap');

describeHere('a worker that was taken over', () => {
  test('connects to nobody: not by TCP, not to a socket that it sees', async () => {
    let reached = 0;
    const server = createServer(() => reached++);
    closing(server);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    expect(await said('connect', `${port}`)).toBe('EPERM');
    const folder = await mkdtemp('/var/lib/debshoal-test-');
    closing({ close: () => rm(folder, { recursive: true }) });
    const local = createServer(() => reached++);
    closing(local);
    await once(local.listen({ path: join(folder, 'socket'), writableAll: true }), 'listening');
    expect(await said('connect', join(folder, 'socket'))).toBe('EPERM');
    expect(reached).toBe(0);
  });

  test('writes nowhere else', async () => {
    const folders = ['/', '/tmp', '/dev', '/dev/shm', '/run', '/etc', '/var/lib', '/proc', '..'];
    const answer = await said('write', folders.join(' '));
    expect(answer).toMatch(/^(?:(?:EROFS|EACCES|ENOENT) ?){9}$/);
  });

  test('reads no secrets, not even those that all may read', async () => {
    const folder = await temporaryFolder();
    const secret = join(folder, 'secret');
    await writeFile(secret, 'a secret', { mode: 0o644 });
    const paths = [secret, '/etc/shadow', '/root/.bashrc', '/proc/1/environ', '/dev/mem'];
    expect(await said('read', paths.join(' '))).toBe('ENOENT EACCES ENOENT ENOENT ENOENT');
    expect(await said('environment')).toBe('LC_ALL PATH PWD TMPDIR');
  });

  test('sees and signals no process', async () => {
    expect(await said('processes')).toBe('0');
    const bystander = spawn('sleep', ['60']);
    closing({ close: () => bystander.kill() });
    const pids = [process.pid, bystander.pid ?? 0].join(' ');
    expect(await said('signal', pids)).toBe('ESRCH ESRCH');
    expect(bystander.exitCode).toBeNull();
  });

  test('is nobody, and in no other group', async () => {
    expect(await said('rights')).toBe('65534 65534 65534');
  });

  test('starts no other process, so that there is no fork bomb', async () => {
    expect(await said('processStart')).toBe('EPERM');
  });

  test.each(['oneLargeFile', 'manyFiles', 'manyEmptyFiles'])(
    'does not fill the disk: %s',
    async (name) => {
      const { code, message, left } = await attack({ name });
      expect(left).toEqual([]);
      // The kernel refuses a byte more, or the whole is seen to be too much: who is first.
      expect(name === 'oneLargeFile' ? `${code} ${message}` : code).toMatch(
        /^delta-damaged EFBIG$|^limit-exceeded/,
      );
    },
  );

  test.each(['memory', 'sharedMemory'])('does not take all memory: %s', async (name) => {
    const { code, message } = await attack({ name });
    // It cannot allocate, or ends of it; whoever is out of memory altogether sees SIGKILL instead.
    expect(`${code} ${message}`).toMatch(/RangeError|status 1(?:3[34]|39)|ERR_MEMORY/);
  });

  test('does not take memory as a stack either, which RLIMIT_DATA does not count', async () => {
    // MAP_PRIVATE | MAP_ANONYMOUS, and MAP_GROWSDOWN with it; 222 is its number on arm64.
    const mmap = (flags: number): string =>
      `syscall(${process.arch === 'arm64' ? 222 : 9}, 0, 4096, 3, ${flags}, -1, 0) == -1 ? $!{EPERM} : 0`;
    const script = `print join ' ', map { $_ ? 'refused' : 'given' } ${mmap(0x22)}, ${mmap(0x122)}`;
    const place = { root: '/', folder: await temporaryFolder() };
    await chmod(place.folder, 0o777);
    const { command, feed } = confinedBy('sandbox', NOBODY).enclose(['perl', '-e', script], place);
    const [program = '', ...args] = command;
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit', 'pipe'] });
    (child.stdio[3] as NodeJS.WritableStream).end(feed ?? '');
    expect(await text(child.stdout as Readable)).toBe('given refused');
  });

  test.each([
    ['spin', { cpuSeconds: 1 }],
    ['sleep', { wallSeconds: 1 }],
  ])('does not run for ever: %s', async (name, limits) => {
    expect(await attack({ name, limits })).toMatchObject({ code: 'limit-exceeded', left: [] });
  });

  test('fills neither our memory nor a terminal with what it says', async () => {
    expect(await attack({ name: 'chatter' })).toMatchObject({ code: 'limit-exceeded' });
    const { code, message } = await attack({ name: 'complain' });
    expect(code).toBe('limit-exceeded');
    expect(message.length).toBeLessThan(600);
    const escape = JSON.stringify({ ok: false, code: 'delta-damaged', message: '\u001b[2Jred' });
    expect(await said('say', escape)).toBe(' [2Jred');
  });

  test.each(['apt-busy', 'interrupted', 'usage'])(
    'does not stop everything by claiming %s',
    async (code) => {
      const forged = JSON.stringify({ ok: false, code, message: 'forged' });
      expect(await attack({ name: 'say', argument: forged })).toMatchObject({
        code: 'delta-damaged',
      });
    },
  );

  test('does not stop everything by claiming a full disk', async () => {
    const forged = JSON.stringify({ ok: false, code: 'disk-full', message: 'forged' });
    expect(await attack({ name: 'say', argument: forged })).toMatchObject({
      code: 'limit-exceeded',
    });
  });

  test.each(['', '[]', 'no JSON', '{"ok":true,"value":{"seconds":{"total":"1"}}}'])(
    'answers something else: %j',
    async (argument) => {
      expect(await attack({ name: 'say', argument })).toMatchObject({ code: 'delta-damaged' });
    },
  );

  test('leaves a link to a file that only root can read', async () => {
    const { size } = await stat('/etc/shadow');
    const made = await attack({ name: 'makeLink', argument: '/etc/shadow', size });
    expect(made).toMatchObject({ code: 'hash-mismatch', left: [] });
  });

  test('leaves a FIFO, for which nobody waits', async () => {
    // Where it can start mkfifo(1).
    const made = await attack({ name: 'makeFifo', level: 'user' });
    expect(made).toMatchObject({ code: 'hash-mismatch', left: [] });
  });

  test('leaves a program with the rights of its owner: the copy is a plain file', async () => {
    const program = 'x'.repeat(50);
    const made = await attack({ name: 'makeOther', argument: program, size: 50 });
    expect(made).toMatchObject({ code: 'none', left: ['x.deb'] });
    expect(await readFile(made.target, 'utf8')).toBe(program);
    expect((await stat(made.target)).mode & 0o7777).toBe(0o644);
  });

  test.each([49, 51])('leaves a file of another length: %i', async (size) => {
    const made = await attack({ name: 'makeOther', argument: 'x'.repeat(50), size });
    expect(made).toMatchObject({ code: 'hash-mismatch', left: [] });
  });

  test.each(['sandbox', 'user'] as const)(
    'writes on after it said that it was done: what we hold stays as it is (%s)',
    async (level) => {
      const made = await attack({ name: 'writeOn', level });
      expect(made.code).toBe('none');
      const held = await readFile(made.target);
      const { ino } = await stat(made.target);
      for (let i = 0; i < 20; i++) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        expect((await readFile(made.target)).equals(held)).toBe(true);
      }
      expect((await stat(made.target)).ino).toBe(ino);
    },
  );

  test('leads whoever cleans up to other folders, in vain', async () => {
    const victim = await temporaryFolder();
    await writeFile(join(victim, 'precious'), 'x');
    await attack({ name: 'trapWhoCleansUp', argument: victim });
    expect(await readdir(victim)).toEqual(['precious']);
  });

  test('is as confined when an ordinary user started it, as the daemon does', async () => {
    const [project, folder] = [await temporaryFolder(), await temporaryFolder()];
    await chmod(project, 0o755);
    await chown(folder, NOBODY.uid, NOBODY.gid);
    await writeFile(join(folder, 'secret'), 'a secret');
    const attacks: readonly (readonly [attack: string, result: string | RegExp])[] = [
      ['rights', '65534 65534 65534'],
      ['connect=1', 'EPERM'],
      ['write=/ /tmp /dev /var/tmp ..', 'EROFS EROFS EROFS EROFS EROFS'],
      [`read=${join(folder, 'secret')} /etc/shadow /proc/1/environ`, 'ENOENT EACCES ENOENT'],
      ['processes', '0'],
      [`signal=${process.pid}`, 'ESRCH'],
      ['processStart', 'EPERM'],
      ['oneLargeFile', /^EFBIG$|^limit-exceeded$/],
      ['manyFiles', 'limit-exceeded'],
      ['memory', /^RangeError|^limit-exceeded$/],
      ['makeOther=made', 'made'],
    ];
    const script = join(project, 'dist/test/support/attacks-as-user.js');
    const [program = '', ...through] = asNobody(project);
    const names = attacks.map(([name]) => name);
    const args = [...through, process.execPath, script, folder, ...names];
    const { stdout } = await runTool(program, args, { maxOutput: MIB, cwd: '/' });
    const expected = attacks.map(([, result]) =>
      typeof result === 'string' ? result : (expect.stringMatching(result) as string),
    );
    expect(JSON.parse(stdout.toString())).toEqual(['sandbox', ...expected]);
  });
});
