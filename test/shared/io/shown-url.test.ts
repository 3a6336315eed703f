import { expect, test } from 'vitest';

import { shownUrl } from '../../../shared/io/shown-url.js';

test.each([
  ['http://user:secret@mirror.example/a?b=c', 'http://mirror.example/a?b=c'],
  ['https://token@mirror.example/', 'https://mirror.example/'],
  ['http://user:p%40ss@192.0.2.1:8080/x', 'http://192.0.2.1:8080/x'],
  ['http://user:secret@[bad', 'http://[bad'],
  ['http://user:secret@bad host/', 'http://bad host/'],
  ['http://mirror.example/~a@b', 'http://mirror.example/~a@b'],
  ['http://mirror.example', 'http://mirror.example'],
  ['no URL', 'no URL'],
])('%s is shown as %s', (url, shown) => {
  expect(shownUrl(url)).toBe(shown);
});
