import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { repeat, type Repeated } from '../../../client/service/repeat.js';

const HOUR = 3_600_000;

describe('what is repeated', () => {
  let runs: (() => void)[];
  let bugs: unknown[];
  let stop: AbortController;
  let repeated: Repeated;

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    [runs, bugs, stop] = [[], [], new AbortController()];
    const work = (): Promise<void> =>
      new Promise((resolve) => {
        runs.push(resolve);
      });
    repeated = repeat(stop.signal, work, (error) => bugs.push(error));
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** The run that is under way ends, and whoever waits for it hears that. */
  const end = async (): Promise<void> => {
    runs.at(-1)?.();
    await vi.advanceTimersByTimeAsync(0);
  };

  test('asked during a run: one more after it, however often', async () => {
    repeated.now();
    repeated.now();
    repeated.now();
    expect(runs.length).toBe(1);
    await end();
    expect(runs.length).toBe(2);
    await end();
    expect(runs.length).toBe(2);
  });

  test('by itself after four to eight hours', async () => {
    repeated.now();
    await end();
    await vi.advanceTimersByTimeAsync(4 * HOUR - 1);
    expect(runs.length).toBe(1);
    await vi.advanceTimersByTimeAsync(4 * HOUR + 1);
    expect(runs.length).toBe(2);
  });

  test('whoever asks all the time gets three runs a minute', async () => {
    for (let second = 0; second < 119; second++) {
      repeated.now();
      await end();
      await vi.advanceTimersByTimeAsync(1000);
    }
    expect(runs.length).toBe(6);
  });

  test('a bug ends its run, not the next ones', async () => {
    const failing = repeat(
      stop.signal,
      () => Promise.reject(new Error('bug')),
      (error) => bugs.push(error),
    );
    failing.now();
    await vi.advanceTimersByTimeAsync(0);
    failing.now();
    await failing.end();
    expect(bugs).toEqual([new Error('bug'), new Error('bug')]);
  });

  test('after the end nothing begins, and the end waits for what is under way', async () => {
    repeated.now();
    stop.abort();
    let ended = false;
    const ending = repeated.end().then(() => (ended = true));
    repeated.now();
    await vi.advanceTimersByTimeAsync(10 * HOUR);
    expect({ runs: runs.length, ended }).toEqual({ runs: 1, ended: false });
    await end();
    await ending;
    expect(runs.length).toBe(1);
  });
});
