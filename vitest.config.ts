import { defineConfig } from 'vitest/config';

// fast: `npm test`. journeys: real apt, dpkg, trackers, clients. corpus: every shipped pair.
export default defineConfig({
  test: {
    pool: 'forks',
    // The default leaves one core idle; most tests wait for processes of their own.
    maxWorkers: '100%',
    testTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'fast',
          include: ['test/**/*.test.ts'],
          exclude: ['test/journeys/**', 'test/corpus/**'],
        },
      },
      {
        extends: true,
        test: { name: 'journeys', include: ['test/journeys/**/*.test.ts'], testTimeout: 600_000 },
      },
      {
        extends: true,
        test: { name: 'corpus', include: ['test/corpus/**/*.test.ts'], testTimeout: 1_800_000 },
      },
    ],
  },
});
