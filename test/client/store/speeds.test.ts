import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  openSpeedStore,
  rebuildSeconds,
  type ObservedRebuild,
  type SpeedStore,
} from '../../../client/store/speeds.js';
import { temporaryFolder } from '../../support/cleanup.js';

const work = { decode: 200, compress: 3000 };

/** A machine whose factors are `decode` and `compress`. */
function rebuilt(decode: number, compress: number, speeds: SpeedStore): ObservedRebuild {
  const seconds = {
    decode: (work.decode * decode) / 1000,
    compress: (work.compress * compress) / 1000,
  };
  return {
    form: 'exact',
    work,
    predicted: rebuildSeconds(speeds.speeds, work, 'exact'),
    total: seconds.decode + seconds.compress,
    compress: seconds.compress,
  };
}

async function freshStore(): Promise<SpeedStore> {
  return openSpeedStore(await temporaryFolder(), 'read-write');
}

describe('speeds', () => {
  it('are those of a slow machine before anything was seen', async () => {
    const store = await freshStore();
    expect(store.medianError).toBeNull();
    expect(rebuildSeconds(store.speeds, work, 'exact')).toBeGreaterThan(3.2);
    expect(rebuildSeconds(store.speeds, work, 'expanded')).toBeGreaterThan(0.2);
  });

  it('are remembered', async () => {
    const folder = await temporaryFolder();
    const store = await openSpeedStore(folder, 'read-write');
    store.observeRebuild(rebuilt(0.5, 0.5, store));
    store.observeLink(50e6, 10);
    await store.save();
    const again = await openSpeedStore(folder, 'read-only');
    expect(again.speeds).toEqual(store.speeds);
    expect(again.medianError).toBe(store.medianError);
  });

  it('are not written by who only looks', async () => {
    const folder = await temporaryFolder();
    const store = await openSpeedStore(folder, 'read-only');
    store.observeLink(1e6, 1);
    await store.save();
    expect(await readdir(folder)).toEqual([]);
  });

  it('are right after few packages on any machine, and follow it when it changes', async () => {
    const factor = fc.double({ min: 0.5, max: 20, noNaN: true });
    await fc.assert(
      fc.asyncProperty(factor, factor, factor, async (decode, compress, later) => {
        const store = await freshStore();
        const off = (by: number): number => {
          const { predicted, total } = rebuilt(decode * by, compress * by, store);
          return Math.abs(predicted - total) / total;
        };
        for (let i = 0; i < 10; i++) store.observeRebuild(rebuilt(decode, compress, store));
        expect(off(1)).toBeLessThan(0.1);
        const slower = Math.min(4, Math.max(0.25, later));
        for (let i = 0; i < 20; i++) {
          store.observeRebuild(rebuilt(decode * slower, compress * slower, store));
        }
        expect(off(slower)).toBeLessThan(0.1);
      }),
      { numRuns: 30 },
    );
  });

  it('hardly change by one outlier', async () => {
    const store = await freshStore();
    for (let i = 0; i < 10; i++) store.observeRebuild(rebuilt(1, 1, store));
    const before = store.speeds.compress;
    store.observeRebuild(rebuilt(1, 1000, store));
    expect(store.speeds.compress / before).toBeLessThan(2);
  });

  it('hardly change by what was too short to be measured', async () => {
    const store = await freshStore();
    store.observeLink(30e6, 10);
    store.observeLink(2000, 1);
    expect(store.speeds.link).toBeGreaterThan(2.5e6);
    store.observeRebuild(rebuilt(1, 1, store));
    const before = store.speeds.decode.exact;
    const short = { decode: 1, compress: 0 };
    store.observeRebuild({ form: 'exact', work: short, predicted: 1, total: 0.01, compress: 0 });
    expect(store.speeds.decode.exact / before).toBeLessThan(1.5);
  });

  it('of the form that was not seen yet are those of the other', async () => {
    const store = await freshStore();
    store.observeRebuild({ form: 'expanded', work, predicted: 1, total: 0.1, compress: 0 });
    expect(store.speeds.decode.exact).toBe(store.speeds.decode.expanded);
    expect(store.speeds.decode.exact).toBeLessThan(1);
    const compress = store.speeds.compress;
    store.observeRebuild({ form: 'expanded', work, predicted: 1, total: 0.1, compress: 0 });
    expect(store.speeds.compress).toBe(compress);
  });

  it('begin with what proving the encoders tells, and do not go back to it', async () => {
    const store = await freshStore();
    store.calibrate(1.2e6);
    const calibrated = store.speeds.compress;
    store.calibrate(12e6);
    expect(store.speeds.compress).toBe(calibrated);
    const faster = await freshStore();
    faster.calibrate(2.4e6);
    expect(calibrated / faster.speeds.compress).toBeGreaterThan(1.8);
  });

  it('survive impossible observations', async () => {
    const anything = fc.oneof(fc.double(), fc.constantFrom(0, -1, NaN, Infinity, 1e-300, 1e300));
    await fc.assert(
      fc.asyncProperty(fc.array(anything, { minLength: 5, maxLength: 5 }), async (numbers) => {
        const [a = 0, b = 0, c = 0, d = 0, e = 0] = numbers;
        const folder = await temporaryFolder();
        const store = await openSpeedStore(folder, 'read-write');
        store.observeLink(a, b);
        store.calibrate(c);
        const form = 'exact' as const;
        store.observeRebuild({
          form,
          work: { decode: d, compress: e },
          predicted: a,
          total: b,
          compress: c,
        });
        store.observeRebuild({ form, work, predicted: a, total: b, compress: c });
        for (const speed of [store.speeds.link, store.speeds.decode.exact, store.speeds.compress]) {
          expect(speed).toBeGreaterThan(0);
          expect(speed).toBeLessThan(1e11);
        }
        await store.save();
        expect((await openSpeedStore(folder, 'read-only')).speeds).toEqual(store.speeds);
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    '',
    'null',
    '{}',
    '\0\0',
    '{"format":2}',
    JSON.stringify({ format: 1, link: { value: 1e300, weight: 1 } }),
    `{"format":1,${['link', 'exact', 'expanded', 'compress'].map((name) => `"${name}":{"value":-1,"weight":1}`).join()},"errors":[]}`,
    `{"__proto__":{"value":1},"format":1}`,
  ])('are learned again from a damaged file: %j', async (text) => {
    const folder = await temporaryFolder();
    const fresh = (await openSpeedStore(folder, 'read-only')).speeds;
    await writeFile(join(folder, 'speeds.json'), text);
    expect((await openSpeedStore(folder, 'read-only')).speeds).toEqual(fresh);
  });

  it('and errors are kept within bounds', async () => {
    const folder = await temporaryFolder();
    const store = await openSpeedStore(folder, 'read-write');
    for (let i = 0; i < 500; i++) store.observeRebuild(rebuilt(1, 1, store));
    await store.save();
    expect((await readFile(join(folder, 'speeds.json'))).length).toBeLessThan(2000);
    expect((await openSpeedStore(folder, 'read-only')).medianError).toBeLessThan(0.05);
  });
});
