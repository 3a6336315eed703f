import { expect, test } from 'vitest';

import { publicText } from '../../../client/service/public-text.js';
import { keepTroubles } from '../../../client/service/status.js';

test.each([
  ['https://me:secret@a.example.org/x: status 404', 'https://a.example.org/x: status 404'],
  [
    'http://me@a.example.org and http://:b@c.example.org',
    'http://a.example.org and http://c.example.org',
  ],
  ['https://me:a@b@c.example.org/', 'https://c.example.org/'],
  [
    'http://a.example.org/x@2/y mailto:a@b.example.org',
    'http://a.example.org/x@2/y mailto:a@b.example.org',
  ],
])('%s is told without passwords', (text, told) => {
  expect(publicText(text)).toBe(told);
  const { troubles, report } = keepTroubles(() => undefined);
  report({ kind: 'warning', text });
  expect(troubles.map((trouble) => trouble.text)).toEqual([told]);
});
