import { mkdir, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';

import { disable, enable, type Place } from '../../../client/setup/enable.js';
import { findServiceUnit, type ServiceUnit } from '../../../client/setup/service-unit.js';
import { exists } from '../../../shared/io/files.js';
import { temporaryFolder } from '../../support/cleanup.js';
import { errorCode } from '../../support/error-code.js';

let root: string;
let place: Place;

beforeEach(async () => {
  root = await temporaryFolder();
  for (const folder of ['usr/share/debshoal/apt.conf.d', 'etc/apt/apt.conf.d']) {
    await mkdir(join(root, folder), { recursive: true });
  }
  await writeFile(join(root, 'usr/share/debshoal/apt.conf.d/50ours'), 'A "b";\n');
  await writeFile(join(root, 'usr/share/debshoal/apt.conf.d/90ours'), 'C "d";\n');
  await writeFile(join(root, 'etc/apt/apt.conf.d/01theirs'), 'E "f";\n');
  place = { root, unit: null };
});

const linked = (): Promise<string[]> => readdir(join(root, 'etc/apt/apt.conf.d'));
const share = 'etc/debshoal/conf.d/50-enable.conf';

describe('enable', () => {
  test('links the snippets, once', async () => {
    expect((await enable(place, null)).done).toEqual([
      'Linked /etc/apt/apt.conf.d/50ours.',
      'Linked /etc/apt/apt.conf.d/90ours.',
    ]);
    expect(await readlink(join(root, 'etc/apt/apt.conf.d/50ours'))).toBe(
      '/usr/share/debshoal/apt.conf.d/50ours',
    );
    expect((await enable(place, null)).done).toEqual([]);
  });

  test('leaves alone what is not ours', async () => {
    await writeFile(join(root, 'etc/apt/apt.conf.d/50ours'), 'G "h";\n');
    const { warnings } = await enable(place, null);
    expect(warnings.join()).toContain('50ours is not ours');
    await disable(place);
    expect(await readFile(join(root, 'etc/apt/apt.conf.d/50ours'), 'utf8')).toBe('G "h";\n');
  });

  test('writes who may share only when told', async () => {
    await enable(place, null);
    expect(await exists(join(root, share))).toBe(false);
    await enable(place, 'lan');
    expect(await readFile(join(root, share), 'utf8')).toMatch(/^Share: lan$/m);
    expect((await enable(place, 'lan')).done).toEqual([]);
  });

  test('says when the policy has the last word', async () => {
    await mkdir(join(root, 'etc/debshoal'));
    await writeFile(join(root, 'etc/debshoal/policy.conf'), 'Mirrors-Only: yes\n');
    expect((await enable(place, 'lan')).warnings.join()).toContain('policy.conf line 1');
  });

  test('changes nothing when the settings have a mistake', async () => {
    await mkdir(join(root, 'etc/debshoal'));
    await writeFile(join(root, 'etc/debshoal/debshoal.conf'), 'Shares: lan\n');
    expect(await errorCode(enable(place, 'lan'))).toBe('config-invalid');
    expect(await linked()).toEqual(['01theirs']);
  });

  test('a group needs its key', async () => {
    expect(await errorCode(enable(place, 'group'))).toBe('config-invalid');
  });

  test('needs the package', async () => {
    await rm(join(root, 'usr'), { recursive: true });
    expect(await errorCode(enable(place, null))).toBe('io-failed');
  });
});

describe('disable', () => {
  test('leaves /etc as it was', async () => {
    await enable(place, 'internet');
    await disable(place);
    expect(await linked()).toEqual(['01theirs']);
    expect(await readdir(join(root, 'etc/debshoal/conf.d'))).toEqual([]);
    expect((await disable(place)).done).toEqual([]);
  });

  test('removes links of earlier versions, too, and no others', async () => {
    const folder = join(root, 'etc/apt/apt.conf.d');
    await symlink('/usr/share/debshoal/apt.conf.d/40gone', join(folder, '40gone'));
    await symlink('/usr/share/other/60other', join(folder, '60other'));
    await disable(place);
    expect(await linked()).toEqual(['01theirs', '60other']);
  });
});

describe('with systemd', () => {
  /** A service manager that remembers. */
  function manager(): ServiceUnit & { readonly told: string[] } {
    let on = false;
    const told: string[] = [];
    const tell = (verb: string, next: boolean) => () => {
      told.push(verb);
      on = next;
      return Promise.resolve();
    };
    const ask = (): Promise<boolean> => Promise.resolve(on);
    return {
      told,
      isEnabled: ask,
      isActive: ask,
      enable: tell('enable', true),
      disable: tell('disable', false),
      reload: () => {
        told.push('reload');
        return Promise.resolve();
      },
    };
  }

  test('starts the daemon, tells it of a new choice, and stops it', async () => {
    const unit = manager();
    await enable({ root, unit }, null);
    await enable({ root, unit }, null);
    expect(unit.told).toEqual(['enable']);
    await enable({ root, unit }, 'lan');
    await disable({ root, unit });
    await disable({ root, unit });
    expect(unit.told).toEqual(['enable', 'reload', 'disable']);
  });

  test('without a running one there is none', async () => {
    expect(await findServiceUnit(root)).toBeNull();
  });
});
