import fc from 'fast-check';
import { expect, test } from 'vitest';

import { parseArchiveName } from '../../../client/apt/archive-name.js';

test('any package, version and architecture survive apt’s way of quoting', () => {
  const name = fc.stringMatching(/^[a-z0-9][a-z0-9+.-]{1,20}$/);
  const version = fc.stringMatching(/^([0-9]:)?[0-9][A-Za-z0-9.+~-]{0,20}$/);
  const architecture = fc.constantFrom('all', 'amd64', 'kfreebsd-amd64');
  fc.assert(
    fc.property(name, version, architecture, (packageName, itsVersion, itsArchitecture) => {
      const quoted = itsVersion.replaceAll(':', '%3a');
      expect(parseArchiveName(`${packageName}_${quoted}_${itsArchitecture}.deb`)).toEqual({
        package: packageName,
        version: itsVersion,
        architecture: itsArchitecture,
      });
    }),
  );
});

test.each([
  '../etc_1_all.deb',
  'a/b_1_all.deb',
  'ab_1/2_all.deb',
  'ab_1_all.deb/..',
  'ab_1_all.deb\n',
  'ab_1\0_all.deb',
  'ab_1_all',
  'ab_1_b_all.deb',
  '-ab_1_all.deb',
  'ab_1%2f2_all.deb',
])('no name of apt: %j', (name) => {
  expect(parseArchiveName(name)).toBeNull();
});
