import fc from 'fast-check';
import { expect, it } from 'vitest';

import { groupBy } from '../../shared/group-by.js';

it('has every item once, in the group of its key, in order', () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), fc.integer({ min: 1, max: 5 }), (items, keys) => {
      const groups = groupBy(items, (item) => item % keys);
      for (const [key, group] of groups) {
        expect(group).toEqual(items.filter((item) => item % keys === key));
      }
      expect([...groups.values()].flat()).toHaveLength(items.length);
    }),
  );
});
