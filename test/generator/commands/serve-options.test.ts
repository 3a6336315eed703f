import { expect, test } from 'vitest';

import {
  parseMetricsAddress,
  parseParts,
  refuseUseless,
} from '../../../generator/commands/serve-options.js';
import { thrownCode } from '../../support/error-code.js';

test('--only takes parts in any order, once each', () => {
  expect(parseParts('seeder, files,seeder')).toEqual(['files', 'seeder']);
  for (const wrong of ['', 'files,', 'http', 'Files']) {
    expect(thrownCode(() => parseParts(wrong))).toBe('usage');
  }
});

test('an option of a part that is left out is refused', () => {
  const parts = parseParts('files');
  refuseUseless(['host', 'http-port', 'metrics'], parts);
  for (const option of ['tracker-port', 'swarm-port', 'upload-rate', 'announce']) {
    expect(
      thrownCode(() => {
        refuseUseless([option], parts);
      }),
    ).toBe('usage');
  }
});

test('--metrics is a port, on loopback unless there is an address', () => {
  expect(parseMetricsAddress('9150')).toEqual({ host: '127.0.0.1', port: 9150 });
  expect(parseMetricsAddress('192.0.2.1:0')).toEqual({ host: '192.0.2.1', port: 0 });
  expect(parseMetricsAddress('localhost:1')).toEqual({ host: 'localhost', port: 1 });
  expect(parseMetricsAddress('[::1]:9150')).toEqual({ host: '::1', port: 9150 });
  for (const wrong of ['', ':1', '::1:9150', '65536', 'a:b', '[::1]', '-1', '1.2.3.4']) {
    expect(thrownCode(() => parseMetricsAddress(wrong))).toBe('usage');
  }
});
