import { expect, test } from 'vitest';

import { startMirrors, type MirrorUrl } from '../../../client/download/mirrors.js';
import { TooSlowError } from '../../../client/download/steady-body.js';
import { DebshoalError } from '../../../shared/errors.js';

const urls = (...servers: string[]): MirrorUrl[] =>
  servers.map((server) => ({ url: `http://${server}/a`, failures: 0, isUseless: false }));
const refused = new DebshoalError('http-failed', 'refused', {
  cause: Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }),
});
const wrong = new DebshoalError('http-failed', 'another length');

const at = (list: readonly MirrorUrl[], index: number): MirrorUrl => {
  const url = list[index];
  if (url === undefined) throw new Error('no such URL');
  return url;
};

test('mirrors are asked in their order', () => {
  const list = urls('one', 'two');
  expect(startMirrors(() => 0).choose(list)?.url).toBe(list[0]);
});

test('a server that fails is left alone, each time longer, and asked again', () => {
  let time = 0;
  const mirrors = startMirrors(() => time);
  const [first, second] = [urls('one', 'two'), urls('one', 'two')];
  mirrors.failed(at(first, 0), refused);
  // Another object of the same server, too.
  expect(mirrors.choose(second)?.url).toBe(second[1]);
  time = 600;
  expect(mirrors.choose(first)?.url).toBe(first[0]);
  mirrors.failed(at(first, 0), refused);
  time = 1200;
  expect(mirrors.choose(first)?.url).toBe(first[1]);
});

test('a single server is waited for', () => {
  const mirrors = startMirrors(() => 0);
  const list = urls('one');
  mirrors.failed(at(list, 0), refused);
  expect(mirrors.choose(list)?.notBefore).toBeGreaterThan(0);
});

test('an address ends after some failures, or at the first that will not pass', () => {
  const mirrors = startMirrors(() => 0);
  const list = urls('one', 'two');
  for (let i = 0; i < 3; i++) mirrors.failed(at(list, 0), refused);
  mirrors.failed(at(list, 1), wrong);
  expect(mirrors.choose(list)).toBeNull();
  // What one address lacks says nothing about the others of its server.
  const other = urls('two');
  expect(mirrors.choose(other)?.notBefore).toBe(0);
});

test('a slow mirror is left for one that is much faster', () => {
  const mirrors = startMirrors(() => 0);
  const list = urls('slow', 'fast');
  mirrors.succeeded(at(list, 0), 1_000_000, 100_000);
  expect(mirrors.choose(list)?.url).toBe(list[1]);
  mirrors.succeeded(at(list, 1), 1_000_000, 90_000);
  expect(mirrors.choose(list)?.url).toBe(list[0]);
  mirrors.succeeded(at(list, 1), 1_000_000, 1000);
  expect(mirrors.choose(list)?.url).toBe(list[1]);
});

test('a mirror that drips is left for any other', () => {
  let time = 0;
  const mirrors = startMirrors(() => time);
  const cause = new TooSlowError(20, 20_000);
  mirrors.failed(at(urls('drips', 'good'), 0), new DebshoalError('http-failed', 'slow', { cause }));
  time = 60_000;
  const list = urls('drips', 'good');
  expect(mirrors.choose(list)?.url).toBe(list[1]);
  // Alone it is asked again: the line may be slow, not the server.
  expect(mirrors.choose(list.slice(0, 1))?.url).toBe(list[0]);
});
