import { describe, expect, test } from 'vitest';

import { formatMessage, parseMessage } from '../../../client/service/message.js';
import { readRequest, type Request } from '../../../client/service/request.js';
import { thrownCode } from '../../support/error-code.js';

const FIELDS = {
  URI: 'http://deb.debian.org/debian/pool/main/o/openssl/libssl3_3.0.17-1%7edeb12u3_amd64.deb',
  Filename: '/var/cache/apt/archives/partial/libssl3_1%3a3.0.17-1~deb12u3_amd64.deb',
  'Expected-SHA256': 'ab'.repeat(32),
  'Expected-Checksum-FileSize': '2025320',
  'Target-Type': 'deb',
  Patience: '90',
};

const read = (fields: object, first = '600 URI Acquire'): Request => {
  const given = Object.entries(fields).filter(([, value]) => value !== null);
  const [code = '', ...text] = first.split(' ');
  const message = formatMessage(Number(code), text.join(' '), Object.fromEntries(given));
  return readRequest(parseMessage(Buffer.from(message)));
};

describe('requests', () => {
  test('a package, as apt asks for it', () => {
    expect(read(FIELDS)).toEqual({
      kind: 'acquire',
      package: 'libssl3',
      version: '1:3.0.17-1~deb12u3',
      architecture: 'amd64',
      archiveName: 'libssl3_1%3a3.0.17-1~deb12u3_amd64.deb',
      uri: FIELDS.URI,
      sha256: 'ab'.repeat(32),
      size: 2_025_320,
      patienceSeconds: 90,
    });
    expect(read({ ...FIELDS, Patience: null })).toMatchObject({ patienceSeconds: null });
    expect(read({ ...FIELDS, 'Fail-Ignore': 'true' })).toMatchObject({ kind: 'acquire' });
    expect(read({}, '700 Status')).toEqual({ kind: 'status' });
    expect(read({}, '700 Prefetch')).toEqual({ kind: 'prefetch' });
  });

  const wrong: [name: string, fields: object][] = [
    ['no hash', { 'Expected-SHA256': null }],
    ['a short hash', { 'Expected-SHA256': 'ab' }],
    ['a path for a hash', { 'Expected-SHA256': '../'.repeat(21) + 'a' }],
    ['no size', { 'Expected-Checksum-FileSize': null }],
    ['size 0', { 'Expected-Checksum-FileSize': '0' }],
    ['a size that no .deb has', { 'Expected-Checksum-FileSize': '99999999999999' }],
    ['a negative size', { 'Expected-Checksum-FileSize': '-1' }],
    ['a size in another notation', { 'Expected-Checksum-FileSize': '1e3' }],
    ['a name that apt would not give', { Filename: '/tmp/evil.deb' }],
    ['a folder for a name', { Filename: '/var/cache/apt/archives/partial/..' }],
    ['no name', { Filename: null }],
    ['no address', { URI: null }],
    ['an index of apt’s', { 'Target-Type': 'index' }],
    ['endless patience', { Patience: '999999999' }],
    ['patience that is no number', { Patience: 'much' }],
  ];
  for (const [name, fields] of wrong) {
    test(`refuses ${name}`, () => {
      expect(thrownCode(() => read({ ...FIELDS, ...fields }))).toBe('usage');
    });
  }

  test('refuses what the protocol does not have', () => {
    for (const first of ['601 Configuration', '600 URI', '700 Shutdown', '102 Status']) {
      expect(thrownCode(() => read(FIELDS, first))).toBe('usage');
    }
  });
});
