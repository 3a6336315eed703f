import { expect, test } from 'vitest';

import { controlField } from '../../../bench/main-job/plain-archive.js';
import { dependencyProvider } from '../../../bench/main-job/scratch-dependencies.js';

const provides = (...controls: string[]): string =>
  controlField(dependencyProvider(controls, 'amd64'), 'Provides');

test('every form of a dependency is satisfied, alternatives by their first', () => {
  const control = `Package: tool
Depends: plain, any:any, least (>= 1), most (<= 2), same (= 3), after (>> 4), before (<< 5), a | b
Pre-Depends: early (>= 1:2~)`;
  expect(provides(control).split(', ')).toEqual([
    'a',
    'after (= 4+)',
    'any:any',
    'before (= 5~)',
    'early (= 1:2~)',
    'least (= 1)',
    'most (= 2)',
    'plain',
    'same (= 3)',
  ]);
});

test('old and new version may need different versions of one package', () => {
  const control = (version: string) => `Package: tool\nDepends: lib (= ${version})`;
  expect(provides(control('1'), control('2'))).toBe('lib (= 1), lib (= 2)');
});

test('nothing stands in for the packages under test, nothing for none', () => {
  expect(provides('Package: tool\nDepends: lib', 'Package: lib\nDepends: tool')).toBe('');
});
