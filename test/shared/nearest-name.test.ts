import { expect, test } from 'vitest';

import { nearestName } from '../../shared/nearest-name.js';

const KNOWN = ['Suites', 'Components', 'Keep-Versions', 'Max-Ratio'];

test.each([
  ['Suite', 'Suites'],
  ['max-ratio', 'Max-Ratio'],
  ['MaxRatio', 'Max-Ratio'],
  ['Keep-Version', 'Keep-Versions'],
  ['Colour', null],
  ['', null],
  ['x'.repeat(100_000), null],
])('%s', (name, expected) => {
  expect(nearestName(name, KNOWN)).toBe(expected);
});
