import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { readEffectiveSettings, readSettings } from '../../../client/config/read-settings.js';
import { DEFAULT_SETTINGS } from '../../../client/config/settings.js';
import { isDebshoalError } from '../../../shared/errors.js';
import { temporaryFolder } from '../../support/cleanup.js';
import { runCli } from '../../support/cli.js';
import { errorCode } from '../../support/error-code.js';

/** A root with these files below etc/debshoal. */
async function rootWith(files: Readonly<Record<string, string>>): Promise<string> {
  const root = await temporaryFolder();
  for (const [name, text] of Object.entries(files)) {
    const path = join(root, 'etc/debshoal', name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
  return root;
}

async function mistake(files: Readonly<Record<string, string>>): Promise<string> {
  try {
    await readSettings(await rootWith(files), {}, {});
  } catch (error) {
    if (isDebshoalError(error, 'config-invalid')) return error.message;
    throw error;
  }
  throw new Error('no mistake was found');
}

test('without files, the defaults', async () => {
  expect(await readSettings(await rootWith({}), {}, {})).toEqual(DEFAULT_SETTINGS);
});

describe('who overrides whom', () => {
  const files = {
    'debshoal.conf': 'Prefer: time\nPort: 1\nPatience: 1\nCache-Size: 1 MB\nExpanded: never\n',
    'conf.d/10-a.conf': 'Port: 2\nPatience: 2\nCache-Size: 2 MB\nExpanded: auto\n',
    'conf.d/20-b.conf': 'Patience: 3\nCache-Size: 3 MB\nExpanded: never\n',
    'conf.d/20-b.conf.dpkg-old': 'Patience: 99\n',
    'conf.d/README': 'not a configuration',
  };
  const environment = { DEBSHOAL_CACHE_SIZE: '4 MB', DEBSHOAL_EXPANDED: 'never' };

  test('later files, then the environment, then the command line', async () => {
    const root = await rootWith(files);
    const flags = { expanded: 'always', peers: undefined } as const;
    const { settings, origins, refused } = await readEffectiveSettings(root, flags, environment);
    expect(settings).toEqual({
      ...DEFAULT_SETTINGS,
      prefer: 'time',
      port: 2,
      patienceSeconds: 3,
      cacheBytes: 4e6,
      expanded: 'always',
    });
    expect(Object.fromEntries(origins)).toEqual({
      prefer: `${root}/etc/debshoal/debshoal.conf line 1`,
      port: `${root}/etc/debshoal/conf.d/10-a.conf line 1`,
      patienceSeconds: `${root}/etc/debshoal/conf.d/20-b.conf line 1`,
      cacheBytes: 'DEBSHOAL_CACHE_SIZE',
      expanded: 'the command line',
    });
    expect(refused).toEqual([]);
  });

  test('nothing overrides the policy, and who tries is told', async () => {
    const root = await rootWith({
      ...files,
      'policy.conf': 'Patience: 10\nCache-Size: 9 MB\nExpanded: never\n',
    });
    const flags = { expanded: 'always' } as const;
    const { settings, refused } = await readEffectiveSettings(root, flags, environment);
    expect(settings).toMatchObject({ patienceSeconds: 10, cacheBytes: 9e6, expanded: 'never' });
    expect(refused).toHaveLength(2);
    expect(refused[0]).toContain('Cache-Size of DEBSHOAL_CACHE_SIZE has no effect');
    expect(refused[1]).toContain('Expanded of the command line has no effect');
    expect(refused[1]).toContain('policy.conf line 3');
  });
});

describe('Mirrors-Only', () => {
  test('rules out peers, sharing and prefetching, whoever asks for them', async () => {
    const root = await rootWith({
      'debshoal.conf': 'Share: internet\nPeers: yes\nPrefetch: yes\n',
      'policy.conf': 'Mirrors-Only: yes\nPeers: no\n',
    });
    const settings = await readSettings(root, { peers: true }, { DEBSHOAL_SHARE: 'lan' });
    expect(settings).toEqual({
      ...DEFAULT_SETTINGS,
      peers: false,
      share: 'nobody',
      prefetch: false,
    });
  });

  test('"no" rules out nothing', async () => {
    const root = await rootWith({ 'policy.conf': 'Mirrors-Only: no\nShare: lan\n' });
    expect(await readSettings(root, {}, {})).toEqual({ ...DEFAULT_SETTINGS, share: 'lan' });
  });

  test('is for the policy file', async () => {
    expect(await mistake({ 'debshoal.conf': 'Mirrors-Only: yes' })).toContain('unknown field');
  });

  test('cannot stand beside its contrary', async () => {
    expect(await mistake({ 'policy.conf': 'Mirrors-Only: yes\nShare: lan' })).toContain(
      'line 2: Share contradicts Mirrors-Only',
    );
  });
});

describe('mistakes', () => {
  test('have file and line', async () => {
    expect(await mistake({ 'conf.d/x.conf': '# x\nPort: many' })).toMatch(
      /etc\/debshoal\/conf\.d\/x\.conf line 2: Port must be from 0 to 65534$/,
    );
  });

  test('are found in the environment, too', async () => {
    const root = await rootWith({});
    const code = errorCode(readSettings(root, {}, { DEBSHOAL_FETCH: 'maybe' }));
    expect(await code).toBe('config-invalid');
  });

  test('a group without a key', async () => {
    expect(await mistake({ 'debshoal.conf': 'Share: group' })).toContain('needs a Group-Key');
  });

  test('a policy that cannot be understood is not passed over', async () => {
    expect(await mistake({ 'policy.conf': 'Mirror-Only: yes' })).toContain('unknown field');
  });
});

test('debshoal config shows each value and who set it', async () => {
  const root = await rootWith({ 'debshoal.conf': 'Upload-Rate: 1 Mbit/s\n' });
  const env = { PATH: process.env['PATH'], DEBSHOAL_PORT: '6881' };
  const { json, status } = await runCli('client', ['config', '--root', root, '--json'], { env });
  expect(status).toBe(0);
  const { settings, fields } = json as { settings: unknown; fields: unknown[] };
  expect(settings).toEqual({ ...DEFAULT_SETTINGS, uploadBytesPerSecond: 125_000, port: 6881 });
  expect(fields).toContainEqual({ name: 'Port', value: '6881', from: 'DEBSHOAL_PORT' });
  expect(fields).toContainEqual({
    name: 'Upload-Rate',
    value: '125 kB/s',
    from: `${root}/etc/debshoal/debshoal.conf line 1`,
  });
  expect(fields).toContainEqual({ name: 'Fetch', value: 'yes', from: 'default' });
});
