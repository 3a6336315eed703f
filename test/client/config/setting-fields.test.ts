import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { SETTING_FIELDS, SETTING_PARSERS } from '../../../client/config/setting-fields.js';
import { settingsTemplate } from '../../../client/config/settings-template.js';
import { DEFAULT_SETTINGS, type Settings } from '../../../client/config/settings.js';
import { readFields } from '../../../shared/config/read-fields.js';

class Refused extends Error {}

function refuse(reason: string): never {
  throw new Refused(reason);
}

function parse(name: string, text: string): Partial<Settings> {
  const field = SETTING_FIELDS[name];
  if (field === undefined) throw new Error(`no field ${name}`);
  return field.parse(text, refuse);
}

describe('the debshoal.conf of the package', () => {
  test('changes nothing', () => {
    expect(readFields(settingsTemplate(), 'x', SETTING_PARSERS)).toEqual([]);
  });

  test('shows the default of every setting', () => {
    const shown = settingsTemplate().replaceAll(/^#(?=[A-Z][A-Za-z-]*:)/gm, '');
    const sets = readFields(shown, 'x', SETTING_PARSERS).map((field) => field.sets);
    expect(Object.assign({}, ...sets)).toEqual(DEFAULT_SETTINGS);
  });
});

test('each setting has one name', () => {
  const keys = Object.values(SETTING_FIELDS).map(({ key }) => key);
  expect(keys.sort()).toEqual(Object.keys(DEFAULT_SETTINGS).sort());
});

describe('values as people write them', () => {
  test.each<[string, string, Partial<Settings>]>([
    ['Fetch', 'No', { fetch: false }],
    ['Patience', '30', { patienceSeconds: 30 }],
    ['Cache-Size', '1.5 GB', { cacheBytes: 1.5e9 }],
    ['Cache-Size', '2GiB', { cacheBytes: 2 ** 31 }],
    ['Cache-Size', '500 mB', { cacheBytes: 5e8 }],
    ['Upload-Rate', '500 kB/s', { uploadBytesPerSecond: 500_000 }],
    ['Upload-Rate', '500 KB/s', { uploadBytesPerSecond: 500_000 }],
    ['Download-Rate', '10 Mbit/s', { downloadBytesPerSecond: 1_250_000 }],
    ['Download-Rate', '', { downloadBytesPerSecond: null }],
    ['Share-Hours', '22:00-06:00', { shareHours: { from: 1320, to: 360 } }],
    ['Share-Hours', '00:00 - 24:00', { shareHours: { from: 0, to: 1440 } }],
    ['Seed-Ratio', '1.5', { seedRatio: 1.5 }],
    ['Group-Key', '/etc/debshoal/group.key', { groupKey: '/etc/debshoal/group.key' }],
    [
      'Blocklist',
      '192.0.2.7, 2001:db8::/32\n198.51.100.1-198.51.100.9',
      { blocklist: ['192.0.2.7', '2001:db8::/32', '198.51.100.1-198.51.100.9'] },
    ],
  ])('%s: %s', (name, text, sets) => {
    expect(parse(name, text)).toEqual(sets);
  });

  test.each([
    ['Fetch', 'perhaps'],
    ['Fetch', ''],
    ['Prefer', 'speed'],
    ['Patience', '0'],
    ['Patience', '2 minutes'],
    ['Cache-Size', '2'],
    ['Cache-Size', '2 GB/s'],
    ['Cache-Size', '2 Gbit'],
    ['Cache-Size', '2 Gb'],
    ['Cache-Size', ''],
    ['Cache-Size', '0 GB'],
    ['Cache-Size', '-1 GB'],
    ['Cache-Size', '999999999 TB'],
    ['Upload-Rate', '500 kB'],
    ['Upload-Rate', '500 kb/s'],
    ['Upload-Rate', '1e3 kB/s'],
    ['Share', 'everybody'],
    ['Group-Key', 'group.key'],
    ['Port', '65535'],
    ['Seed-Ratio', '-1'],
    ['Share-Hours', '22-6'],
    ['Share-Hours', '22:00-22:00'],
    ['Share-Hours', '24:00-06:00'],
    ['Share-Hours', '22:60-06:00'],
    ['Blocklist', 'example.org'],
    ['Blocklist', '192.0.2.0/33'],
  ])('not %s: %s', (name, text) => {
    expect(() => parse(name, text)).toThrow(Refused);
  });

  test('what is shown parses to the same', () => {
    const bytes = fc.integer({ min: 1, max: 1e15 });
    const minutes = fc.integer({ min: 0, max: 1439 });
    const some = fc.record({
      cacheBytes: bytes,
      uploadBytesPerSecond: fc.option(bytes),
      uploadMonthlyBytes: fc.option(bytes),
      shareHours: fc.option(
        fc.record({ from: minutes, to: minutes }).filter(({ from, to }) => from !== to),
      ),
      seedRatio: fc.integer({ min: 0, max: 1_000_000 }).map((number) => number / 1000),
      onMetered: fc.boolean(),
      blocklist: fc.array(fc.ipV4()),
    });
    fc.assert(
      fc.property(some, (values) => {
        const settings = { ...DEFAULT_SETTINGS, ...values };
        const back = Object.values(SETTING_FIELDS).map((field) =>
          field.parse(field.format(settings), refuse),
        );
        expect(Object.assign({}, ...back)).toEqual(settings);
      }),
    );
  });
});
