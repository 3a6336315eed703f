import fc from 'fast-check';
import { expect, test } from 'vitest';

import { openDueQueue } from '../../../../shared/swarm/tracker/due-queue.js';

test('gives what is due first, whatever came in between', () => {
  const step = fc.oneof(fc.constant(null), fc.double({ noNaN: true }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const queue = openDueQueue<{ dueAt: number }>();
      const expected: number[] = [];
      for (const dueAt of steps) {
        if (dueAt === null) {
          const first = expected.shift();
          expect(queue.first()?.dueAt).toBe(first);
          expect(queue.shift()?.dueAt).toBe(first);
        } else {
          queue.push({ dueAt });
          expected.push(dueAt);
          expected.sort((a, b) => a - b);
        }
      }
      for (const dueAt of expected) expect(queue.shift()?.dueAt).toBe(dueAt);
      expect(queue.shift()).toBeUndefined();
    }),
  );
});
