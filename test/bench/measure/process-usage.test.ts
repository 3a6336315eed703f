import { describe, expect, it } from 'vitest';

import { parseCores } from '../../../bench/measure/machine.js';
import { parseCpuSeconds, readUsage } from '../../../bench/measure/process-usage.js';
import { parseIo } from '../../../bench/measure/run-measured.js';

describe('what the kernel tells of a process', () => {
  it('is its time and that of its children, whatever its name', () => {
    const times = '100 20 3 4';
    const stat = `42 (a) b (c)) S 1 2 3 4 5 6 7 8 9 10 ${times} 20 0 1 0 99`;
    expect(parseCpuSeconds(stat)).toBe(1.27);
  });

  it('is what it read and wrote', () => {
    const text = 'rchar: 12\nwchar: 34\nsyscr: 5\nread_bytes: 6\n';
    expect(parseIo(text)).toEqual({ readBytes: 12, writtenBytes: 34 });
  });

  it('can be read while it runs', () => {
    const usage = readUsage(process.pid);
    expect(usage.cpuSeconds).toBeGreaterThan(0);
    expect(usage.readBytes).toBeGreaterThan(0);
    expect(usage.peakRssBytes).toBeGreaterThan(1e6);
  });
});

describe('lists of cores', () => {
  it('have ranges', () => {
    expect(parseCores('0-3,8')).toEqual([0, 1, 2, 3, 8]);
    expect(parseCores('5')).toEqual([5]);
    expect(parseCores('')).toEqual([]);
  });
});
