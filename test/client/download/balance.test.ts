import { expect, test } from 'vitest';

import { BALANCE_INTERVAL, startBalance, type Balance } from '../../../client/download/balance.js';

/** Kilobytes a second of both, for some seconds. */
interface Phase {
  readonly seconds: number;
  readonly http: number;
  readonly peers: number;
}

const simulate = (): { balance: Balance; run: (phase: Phase) => boolean[] } => {
  let time = 0;
  const balance = startBalance(() => time);
  return {
    balance,
    run: ({ seconds, http, peers }) =>
      Array.from({ length: (seconds * 1000) / BALANCE_INTERVAL }, () => {
        time += BALANCE_INTERVAL;
        balance.addHttp(balance.racing() ? http * BALANCE_INTERVAL : 0);
        balance.addPeers(peers * BALANCE_INTERVAL);
        balance.tick();
        return balance.racing();
      }),
  };
};

test('HTTP races while there is nobody else', () => {
  const { run } = simulate();
  expect(run({ seconds: 30, http: 2000, peers: 0 })).not.toContain(false);
});

test('peers that are as fast as HTTP was spare its server', () => {
  const { balance, run } = simulate();
  run({ seconds: 2, http: 400, peers: 0 });
  run({ seconds: 4, http: 400, peers: 1200 });
  expect(balance.racing()).toBe(false);
  expect(run({ seconds: 30, http: 400, peers: 1200 })).not.toContain(true);
});

test('slow peers that were there before HTTP do not make it rest', () => {
  const { run } = simulate();
  run({ seconds: 2, http: 0, peers: 300 });
  expect(run({ seconds: 60, http: 2000, peers: 300 })).not.toContain(false);
});

test('fast peers that were there before HTTP spare its server', () => {
  const { balance, run } = simulate();
  run({ seconds: 2, http: 0, peers: 3000 });
  run({ seconds: 2, http: 2000, peers: 3000 });
  expect(balance.racing()).toBe(false);
});

test('peers that get slow have HTTP back at once', () => {
  const { balance, run } = simulate();
  run({ seconds: 2, http: 400, peers: 0 });
  run({ seconds: 5, http: 400, peers: 1200 });
  run({ seconds: 2, http: 400, peers: 50 });
  expect(balance.racing()).toBe(true);
});

test('slow peers never have HTTP wait', () => {
  const { run } = simulate();
  run({ seconds: 2, http: 2000, peers: 0 });
  expect(run({ seconds: 60, http: 2000, peers: 500 })).not.toContain(false);
});

test('peers that take what HTTP leaves of a line get all of it', () => {
  const { balance, run } = simulate();
  run({ seconds: 2, http: 2000, peers: 0 });
  for (let i = 0; i < 10 / 0.25; i++) {
    run({ seconds: 0.25, http: 1000, peers: balance.racing() ? 1000 : 2000 });
  }
  expect(balance.racing()).toBe(false);
});

test('peers that do not take it cost less and less waiting', () => {
  const { run } = simulate();
  run({ seconds: 2, http: 2000, peers: 0 });
  const raced = run({ seconds: 100, http: 2000, peers: 1000 });
  const rested = raced.filter((racing) => !racing).length;
  expect(rested).toBeGreaterThan(0);
  expect(rested / raced.length).toBeLessThan(0.08);
});

test('who had the server for itself at first does not expect it for ever', () => {
  const { balance, run } = simulate();
  run({ seconds: 1, http: 2000, peers: 0 });
  run({ seconds: 60, http: 100, peers: 600 });
  expect(balance.racing()).toBe(false);
});

test('while HTTP rests it brings a share of what nobody has', () => {
  const { balance, run } = simulate();
  run({ seconds: 2, http: 400, peers: 0 });
  run({ seconds: 4, http: 400, peers: 1200 });
  expect(balance.racing()).toBe(false);
  expect(balance.mayFeed(10)).toBe(true);
  balance.addHttp(4e6);
  expect(balance.mayFeed(10)).toBe(false);
  run({ seconds: 30, http: 0, peers: 1200 });
  expect(balance.mayFeed(10)).toBe(true);
});

test('peers that give nothing do not count after a while, until they give something', () => {
  let time = 0;
  const balance = startBalance(() => time);
  time = 60_000;
  expect(balance.silent()).toBe(false);
  balance.peersCame();
  expect(balance.silent()).toBe(false);
  time += 10_000;
  balance.peersCame();
  expect(balance.silent()).toBe(true);
  balance.addPeers(1);
  expect(balance.silent()).toBe(false);
  time += 10_000;
  expect(balance.silent()).toBe(true);
});
