import { describe, expect, it } from 'vitest';

import { seriesOf } from '../../../shared/deb/series.js';

describe('the series of a package', () => {
  it.each([
    ['linux-image-6.1.0-55-amd64', 'linux-image-6.1.0-56-amd64'],
    ['linux-image-6.12.115+deb13.1-amd64', 'linux-image-6.12.116+deb13-amd64'],
    ['linux-headers-6.12.115+deb13-common', 'linux-headers-6.12.116+deb13-common'],
  ])('is the same for %s and %s', (a, b) => {
    expect(seriesOf(a)).toBe(seriesOf(b));
  });

  it.each([
    ['linux-image-6.1.0-55-amd64', 'linux-image-6.1.0-55-cloud-amd64'],
    ['libssl1.1', 'libssl3'],
    ['python3.11-minimal', 'python3.12-minimal'],
    ['git', 'git-lfs'],
  ])('is another for %s and %s', (a, b) => {
    expect(seriesOf(a)).not.toBe(seriesOf(b));
  });
});
