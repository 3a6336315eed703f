import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, describe, expect, test, vi } from 'vitest';

import { aptProxy } from '../../../client/apt/apt-proxies.js';
import type { AptSystem } from '../../../client/apt/apt-system.js';
import { openAptSystem } from '../../../client/apt/apt-system.js';

import { temporaryFolder } from '../../support/cleanup.js';

/** The real apt-config, with this apt.conf; as the machine's own system where programs may run. */
const systemWith = async (config: string, own = false): Promise<AptSystem> => {
  const root = await temporaryFolder();
  await mkdir(join(root, 'etc/apt'), { recursive: true });
  await mkdir(join(root, 'var/lib/dpkg'), { recursive: true });
  await writeFile(join(root, 'var/lib/dpkg/status'), '');
  await writeFile(join(root, 'etc/apt/apt.conf'), config);
  const system = await openAptSystem(root);
  return own ? { ...system, root: '/' } : system;
};

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('the proxy that apt uses', () => {
  test.each([
    ['one for all', 'Acquire::http::Proxy "http://p:1/";', 'http://a/x', 'http://p:1/'],
    ['for https: too', 'Acquire::http::Proxy "http://p:1/";', 'https://a/x', 'http://p:1/'],
    [
      'another one for https:',
      'Acquire::http::Proxy "http://p:1/"; Acquire::https::Proxy "http://q:2/";',
      'https://a/x',
      'http://q:2/',
    ],
    [
      'none for one host',
      'acquire::HTTP::proxy "http://p:1/"; Acquire::http::Proxy::a.example "DIRECT";',
      'http://a.example/x',
      null,
    ],
    ['none at all', 'Acquire::http::Proxy "DIRECT";', 'http://a/x', null],
    ['what the environment says', '', 'http://a/x', 'http://env:3/'],
    ['none where the environment says so', '', 'http://inside.example/x', null],
  ])('%s', async (_name, config, url, expected) => {
    vi.stubEnv('http_proxy', 'http://env:3/');
    vi.stubEnv('no_proxy', 'inside.example');
    const find = aptProxy(await systemWith(config));
    expect(await find(new URL(url))).toBe(expected);
  });

  test('is what a program says, asked once for each server', async () => {
    const folder = await temporaryFolder();
    const [program, log] = [join(folder, 'detect'), join(folder, 'log')];
    await writeFile(program, `#!/bin/sh\necho "$1" >> ${log}\necho "http://found:4/"\n`, {
      mode: 0o755,
    });
    const config = `Acquire::http::Proxy-Auto-Detect "${program}"; Acquire::http::Proxy "http://p:1/";`;
    const find = aptProxy(await systemWith(config, true));
    expect(await find(new URL('http://a/x'))).toBe('http://found:4/');
    expect(await find(new URL('http://a/y'))).toBe('http://found:4/');

    expect(await readFile(log, 'utf8')).toBe('http://a/x\n');
    // Another root's program is not run.
    const elsewhere = aptProxy(await systemWith(config));
    expect(await elsewhere(new URL('http://a/x'))).toBe('http://p:1/');
  });

  test('is the configured one when the program fails', async () => {
    const config =
      'Acquire::http::ProxyAutoDetect "/bin/false"; Acquire::http::Proxy "http://p:1/";';
    const find = aptProxy(await systemWith(config, true));
    expect(await find(new URL('http://a/x'))).toBe('http://p:1/');
  });
});
