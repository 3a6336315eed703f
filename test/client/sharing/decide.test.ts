import { expect, test } from 'vitest';

import { DEFAULT_SETTINGS, type Settings } from '../../../client/config/settings.js';
import { decide, type Decision } from '../../../client/sharing/decide.js';
import type { SharedTorrent } from '../../../client/sharing/ledger.js';

const CALM = { metered: false, battery: false, vpn: false };
const MIB = 2 ** 20;
const noon = new Date(2026, 10, 23, 12, 0);
const torrent = (beyond = 0): SharedTorrent => ({
  suite: 'bookworm-security',
  trackers: [],
  offeredAt: 0,
  beyond,
  files: {
    0: { package: 'a', architecture: 'all', version: '1', size: MIB, installed: true },
    3: { package: 'b', architecture: 'all', version: '1', size: MIB, installed: true },
  },
});
const decided = (
  settings: Partial<Settings>,
  conditions: Partial<typeof CALM> = {},
  beyond = 0,
  now = noon,
): Decision =>
  decide(
    { ...DEFAULT_SETTINGS, share: 'internet', ...settings },
    { ...CALM, ...conditions },
    { beyond, suites: { 'bookworm-security': beyond } },
    now,
  );
const NOTHING = { local: false, beyondBytes: 0 };

test('nobody gets anything by default', () => {
  expect(decide(DEFAULT_SETTINGS, CALM, { beyond: 0, suites: {} }, noon)).toMatchObject({
    paused: 'nobody',
    allowance: NOTHING,
  });
});

test.each(['metered', 'battery'] as const)('%s: nothing, unless the settings allow it', (what) => {
  const is = { [what]: true };
  expect(decided({}, is)).toMatchObject({ paused: what, allowance: NOTHING });
  const allowed = decided({ onMetered: true, onBattery: true }, is);
  expect(allowed.paused).toBeNull();
  expect(allowed.allowance.local).toBe(true);
});

test('behind a VPN the own networks alone', () => {
  const decision = decided({}, { vpn: true });
  expect(decision).toMatchObject({ local: 'vpn', allowance: { local: true, beyondBytes: 0 } });
  expect(decision.localOnly(torrent())).toBe(true);
});

test('the quota counts down, and then the own networks alone', () => {
  const settings = { uploadMonthlyBytes: 10 * MIB };
  expect(decided(settings, {}, 4 * MIB).allowance).toEqual({ local: true, beyondBytes: 6 * MIB });
  expect(decided(settings, {}, 10 * MIB)).toMatchObject({
    local: 'quota',
    allowance: { local: true, beyondBytes: 0 },
  });
  expect(decided({ uploadMonthlyBytes: null }, {}, 1e12).allowance.beyondBytes).toBeNull();
});

test('the scope lan gives nothing beyond, and says no reason', () => {
  expect(decided({ share: 'lan' }, {}, 1e12)).toMatchObject({
    paused: null,
    local: null,
    allowance: { local: true, beyondBytes: 0 },
  });
});

test('a suite that is used up, and a torrent that was given often enough, stay at home', () => {
  expect(decided({ uploadPerReleaseBytes: MIB }, {}, MIB - 1).localOnly(torrent())).toBe(false);
  expect(decided({ uploadPerReleaseBytes: MIB }, {}, MIB).localOnly(torrent())).toBe(true);
  expect(decided({ seedRatio: 1.5 }).localOnly(torrent(3 * MIB - 1))).toBe(false);
  expect(decided({ seedRatio: 1.5 }).localOnly(torrent(3 * MIB))).toBe(true);
});

test.each([
  [22 * 60, 6 * 60, 23, 0, null],
  [22 * 60, 6 * 60, 5, 59, null],
  [22 * 60, 6 * 60, 6, 0, 'hours'],
  [22 * 60, 6 * 60, 12, 0, 'hours'],
  [8 * 60, 18 * 60, 8, 0, null],
  [8 * 60, 18 * 60, 18, 0, 'hours'],
  [8 * 60, 18 * 60, 7, 59, 'hours'],
  [0, 0, 12, 0, null],
])('hours from minute %i to %i, at %i:%i', (from, to, hour, minute, paused) => {
  const now = new Date(2026, 10, 23, hour, minute);
  expect(decided({ shareHours: { from, to } }, {}, 0, now).paused).toBe(paused);
});
