import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import { exists } from '../../shared/io/files.js';
import { startCli, type RunningCli } from '../support/cli.js';
import { until } from '../support/cleanup.js';
import { fixturePair } from '../support/fixture-pairs.js';
import { makeLab, type Lab, type LabSystem } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { acquire, startService, type RunningService } from '../support/service.js';

const pair = fixturePair('libgd-tools');
const BY_DELTA = ['--prefer', 'bytes', '--no-swarm'];
const ALONE = [...BY_DELTA, '--no-prefetch'];
const describeHere = await needs('apt-get', 'dpkg-deb', 'flock');

let lab: Lab;
let system: LabSystem;
const services: RunningCli[] = [];

const start = async (...args: string[]): Promise<RunningService> => {
  const service = await startService(system.root, args);
  services.push(service);
  return service;
};

const lastLine = async (service: RunningService): Promise<string | undefined> =>
  (await service.ask(acquire(pair))).lines.at(-1);

const statusOf = async (service: RunningService) => {
  const { body } = await service.ask('700 Status\n\n');
  return JSON.parse(body.toString()) as {
    readonly indexes: readonly unknown[];
    readonly troubles: readonly { readonly text: string }[];
    readonly saved: { readonly total: Readonly<Record<string, number>> };
  };
};

const GIVEN = '200 URI Start';
const REFUSED = '400 URI Failure';

beforeAll(async () => {
  lab = await makeLab([pair]);
}, 300_000);
beforeEach(async () => {
  system = await lab.system();
});
afterEach(async () => {
  lab.behave();
  for (const { child, ended } of services.splice(0)) {
    child.kill('SIGKILL');
    await ended;
  }
});
afterAll(() => lab.close());

describeHere('the daemon', () => {
  test('lives through a mistake in apt’s sources, and recovers when it is mended', async () => {
    const wrong = join(system.root, 'etc/apt/sources.list.d/wrong.list');
    await mkdir(join(wrong, '..'), { recursive: true });
    await writeFile(wrong, 'dep http://127.0.0.1:9 lab main\n');
    const service = await start(...ALONE);
    expect(await lastLine(service)).toBe(REFUSED);
    await until(async () => (await statusOf(service)).troubles.length > 0);
    const { indexes, troubles } = await statusOf(service);
    expect(indexes).toEqual([]);
    expect(troubles[0]?.text).toContain('wrong.list');
    await rm(wrong);
    await service.ask('700 Prefetch\n\n');
    await until(async () => (await statusOf(service)).indexes.length > 0);
    expect(await lastLine(service)).toBe(GIVEN);
  });

  test('ends when it cannot begin, and its swarm with it', async () => {
    await writeFile(join(system.root, 'no-folder'), '');
    const socket = join(system.root, 'no-folder', 'socket');
    const running = startCli('client', ['daemon', '--root', system.root, '--socket', socket]);
    services.push(running);
    expect((await running.ended).status).not.toBe(0);
  });

  test('remembers what it has fetched, also when it is killed', async () => {
    const service = await start(...ALONE);
    expect(await lastLine(service)).toBe(GIVEN);
    await until(() => exists(join(system.root, 'var/lib/debshoal/daemon/savings.json')));
    service.child.kill('SIGKILL');
    await service.ended;
    const again = await start(...ALONE);
    expect((await statusOf(again)).saved.total['httpBytes']).toBeGreaterThan(0);
  });

  test('fetches indexes while a delta for later does not come', async () => {
    let hangs = false;
    lab.misbehave('site', (path, response) => {
      if (!path.startsWith('/deltas/')) return false;
      hangs = true;
      response.writeHead(200);
      response.flushHeaders();
      return true;
    });
    const service = await start(...BY_DELTA);
    await until(() => hangs);
    lab.site.forget();
    expect((await service.ask('700 Prefetch\n\n')).lines).toEqual(['201 Done']);
    await until(() => lab.site.requests.some(({ path }) => path.endsWith('/InRelease')));
  });
});
