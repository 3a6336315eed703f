const counts = { packages: 3, servedBytes: 10e6, peerBytes: 1e6, localBytes: 4e5, httpBytes: 0 };

/** What the daemon answers to `700 Status`. */
export const daemonStatus = {
  version: '0.1.0',
  since: '2026-11-23T10:00:00.000Z',
  indexes: [{ uri: 'http://deltas.example.org', suite: 'lab', trust: 'archive', packages: 12 }],
  working: [{ package: 'libssl3', version: '2', stage: 'rebuilding', since: '' }],
  cache: { files: 2, bytes: 5e6, maxBytes: 2e9 },
  saved: { format: 1, since: '2026-11-01', total: counts, month: '2026-11', inMonth: counts },
  peers: null,
  obstacle: null,
  prefetchObstacle: 'the line is metered',
  troubles: [{ at: '2026-11-23T10:00:00.000Z', text: 'no deltas\u001b[31m from there' }],
  sharing: {
    scope: 'lan',
    paused: null,
    localOnly: 'quota',
    objects: 4,
    seeding: 3,
    bytesOnDisk: 7e6,
    uploadedBeyond: 0,
    uploadedLocally: 8e6,
    monthlyLeft: 3e9,
    limits: {
      uploadBytesPerSecond: 25e4,
      uploadMonthlyBytes: 5e9,
      uploadPerReleaseBytes: null,
      seedRatio: 1.5,
    },
    shared: Array.from({ length: 12 }, (_, i) => ({
      package: `shared${i}`,
      version: '1',
      suite: 'bookworm',
      bytes: 123e3,
      uploadedBeyond: 45e3,
    })),
  },
  confinement: { level: 'sandbox', detail: 'bubblewrap' },
};
