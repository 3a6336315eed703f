import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { openForeground, type Foreground } from '../../../client/service/foreground.js';
import { openReadyStore } from '../../../client/service/ready-store.js';
import { openWorks } from '../../../client/service/works.js';
import { openSpeedStore } from '../../../client/store/speeds.js';
import { temporaryFolder } from '../../support/cleanup.js';
import { knownPackages, packageWithDelta } from '../../support/known-packages.js';

const packages = ['1', '2', '3'].map((digit) => packageWithDelta(`p${digit}`, digit));
const { knowledge, request } = knownPackages(packages);

let foreground: Foreground;
/** Names, in the order in which their fetches began. */
let begun: string[];

beforeEach(async () => {
  const folder = await temporaryFolder();
  const { speeds } = await openSpeedStore(folder, 'read-only');
  const works = openWorks();
  begun = [];
  foreground = openForeground({
    store: await openReadyStore(folder, 1e9),
    works,
    knowledge,
    speeds: () => speeds,
    encodersProven: () => Promise.resolve(true),
    prefer: () => 'bytes',
    patienceSeconds: 120,
    // From a server that sends a byte now and then.
    fetch: (routes) => {
      for (const { pending } of routes) {
        begun.push(pending.package);
        works.begin(pending, 'fetching');
      }
      return new Promise(() => undefined);
    },
    onBug: (error) => {
      throw error;
    },
  });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});

afterEach(() => {
  vi.useRealTimers();
});

const acquire = (i: number): Promise<string | null> => {
  const wanted = packages[i];
  if (wanted === undefined) throw new Error('no such package');
  return foreground.acquire(request(wanted), new AbortController().signal, () => undefined);
};

test('fetches that take much longer than predicted do not hold up the next one', async () => {
  const stuck = [acquire(0)];
  await vi.advanceTimersByTimeAsync(100);
  stuck.push(acquire(1));
  await vi.advanceTimersByTimeAsync(30_000);
  expect(begun).toEqual(['p1', 'p2']);
  const answers: (string | null)[] = [];
  void acquire(2).then((answer) => answers.push(answer));
  await vi.advanceTimersByTimeAsync(2100);
  expect(answers).toEqual(['debshoal is busy with others']);
  // Who waits for these very packages has all patience.
  await vi.advanceTimersByTimeAsync(120_000);
  expect(await Promise.all(stuck)).toEqual(['it took too long', 'it took too long']);
});
