import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { expect, test } from 'vitest';

import { openLedger } from '../../../client/sharing/ledger.js';
import { temporaryFolder } from '../../support/cleanup.js';

const infoHash = 'a'.repeat(40);
const at = (text: string) => (): Date => new Date(text);

test('what was counted is there again', async () => {
  const folder = await temporaryFolder();
  const ledger = await openLedger(folder, at('2026-11-05T12:00:00Z'));
  ledger.torrents.set(infoHash, {
    suite: 'trixie',
    trackers: ['http://t.example/announce'],
    offeredAt: 1,
    beyond: 0,
    files: { 0: { package: 'p', architecture: 'all', version: '1', size: 7, installed: true } },
  });
  ledger.count({ infoHash, local: 5, beyond: 10 });
  ledger.count({ infoHash: 'b'.repeat(40), local: 0, beyond: 100 });
  await ledger.save();
  const again = await openLedger(folder, at('2026-11-30T23:59:59Z'));
  expect(again.sums()).toEqual({
    month: '2026-11',
    local: 5,
    beyond: 110,
    suites: { trixie: 10 },
  });
  expect(again.torrents).toEqual(ledger.torrents);
  expect(again.torrents.get(infoHash)?.beyond).toBe(10);
});

test('what is uploaded while it is downloaded counts for its suite', async () => {
  const ledger = await openLedger(await temporaryFolder(), at('2026-11-05T12:00:00Z'));
  ledger.expect(infoHash, 'trixie');
  ledger.count({ infoHash, local: 5, beyond: 10 });
  // A second object of the same torrent.
  ledger.expect(infoHash, 'trixie');
  expect(ledger.sums()).toMatchObject({ local: 5, beyond: 10, suites: { trixie: 10 } });
  expect(ledger.sentBefore(infoHash)).toBe(10);
});

test.each([
  ['a month ends in UTC', '2026-12-01T00:00:00Z', '2026-12', 0],
  ['years pass', '2028-02-01T00:00:00Z', '2028-02', 0],
  ['a clock that is put back a little gives nothing twice', '2026-10-31T23:00:00Z', '2026-11', 10],
  ['a clock that was wrong by years does not count for ever', '2020-01-01T00:00:00Z', '2020-01', 0],
])('%s', async (_, later, month, beyond) => {
  const folder = await temporaryFolder();
  let now = '2026-11-30T23:59:59Z';
  const ledger = await openLedger(folder, () => new Date(now));
  ledger.count({ infoHash, local: 0, beyond: 10 });
  now = later;
  expect(ledger.sums()).toMatchObject({ month, beyond });
  await ledger.save();
  expect((await openLedger(folder, at(later))).sums()).toMatchObject({ month, beyond });
});

test.each(['', '{}', '{"format":1,"month":"x"}', 'null', '[1'])(
  'a damaged ledger (%s) begins anew',
  async (content) => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'sharing.json'), content);
    const ledger = await openLedger(folder, at('2026-11-05T12:00:00Z'));
    expect(ledger.sums()).toMatchObject({ beyond: 0 });
    expect(ledger.torrents.size).toBe(0);
  },
);

test('killed, it has lost a few megabytes at most', async () => {
  const folder = await temporaryFolder();
  const program = new URL('../../../dist/test/support/counting-ledger.js', import.meta.url);
  const child = spawn(process.execPath, [program.pathname, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let counted = 0;
  for await (const line of createInterface(child.stdout)) {
    counted = Number(line);
    if (counted >= 60) child.kill('SIGKILL');
  }
  if (child.signalCode === null) await once(child, 'exit');
  const { beyond } = (await openLedger(folder, () => new Date())).sums();
  expect(beyond / 2 ** 20).toBeGreaterThanOrEqual(counted / 2);
  expect(beyond / 2 ** 20).toBeLessThanOrEqual(counted);
});
