import fc from 'fast-check';
import { expect, test } from 'vitest';

import {
  encodeLanMessage,
  MAX_LAN_HASHES,
  MAX_LAN_MESSAGE,
  parseLanMessage,
  type LanMessage,
} from '../../../shared/swarm/lan-message.js';

const HOST = '[ff15::efc0:988f]:6771';
const HEX_DIGIT = fc.constantFrom(...Array.from('0123456789abcdef'));
const HASH = 'a'.repeat(40);
const parse = (text: string): LanMessage | null => parseLanMessage(Buffer.from(text, 'latin1'));

const infoHash = fc.string({
  unit: HEX_DIGIT,
  minLength: 40,
  maxLength: 40,
});
const message = fc.record({
  port: fc.integer({ min: 1024, max: 65_534 }),
  infoHashes: fc.uniqueArray(infoHash, { minLength: 1, maxLength: MAX_LAN_HASHES }),
  cookie: fc.option(fc.string({ unit: HEX_DIGIT, minLength: 1, maxLength: 16 })),
});

test('what is written is read, and fits a packet', () => {
  fc.assert(
    fc.property(message, (written) => {
      const packet = encodeLanMessage(written, HOST);
      expect(packet.length).toBeLessThanOrEqual(MAX_LAN_MESSAGE);
      expect(parseLanMessage(packet)).toEqual(written);
    }),
  );
});

test('any packet is read or refused, never an exception', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000 }), (packet) => {
      expect(() => parseLanMessage(packet)).not.toThrow();
    }),
  );
});

test('a damaged announcement gives nothing that is out of bounds', () => {
  const damage = fc.record({
    at: fc.nat(1500),
    byte: fc.integer({ min: 0, max: 255 }),
    cut: fc.nat(1500),
  });
  fc.assert(
    fc.property(message, fc.array(damage, { maxLength: 8 }), (written, damages) => {
      let packet = encodeLanMessage(written, HOST);
      for (const { at, byte, cut } of damages) {
        packet[at % packet.length] = byte;
        if (cut < 400) packet = packet.subarray(0, Math.max(1, packet.length - cut));
      }
      const read = parseLanMessage(packet);
      if (read === null) return;
      expect(read.port).toBeGreaterThan(0);
      expect(read.port).toBeLessThan(65_535);
      expect(read.infoHashes.every((hash) => /^[0-9a-f]{40}$/.test(hash))).toBe(true);
    }),
  );
});

test.each([
  ['the packet without CRLF that ends other clients', 'BT-SEARCH * HTTP/1.1'],
  ['nothing', ''],
  ['another first line', `HTTP/1.1 200 OK\r\nPort: 1\r\nInfohash: ${HASH}\r\n\r\n`],
  ['no port', `BT-SEARCH * HTTP/1.1\r\nInfohash: ${HASH}\r\n\r\n`],
  ['a port of a service', `BT-SEARCH * HTTP/1.1\r\nPort: 25\r\nInfohash: ${HASH}\r\n\r\n`],
  ['port 0', `BT-SEARCH * HTTP/1.1\r\nPort: 0\r\nInfohash: ${HASH}\r\n\r\n`],
  ['a port beyond 16 bits', `BT-SEARCH * HTTP/1.1\r\nPort: 70000\r\nInfohash: ${HASH}\r\n\r\n`],
  ['a port that is no number', `BT-SEARCH * HTTP/1.1\r\nPort: 1e3\r\nInfohash: ${HASH}\r\n\r\n`],
  ['two ports', `BT-SEARCH * HTTP/1.1\r\nPort: 1\r\nPort: 2\r\nInfohash: ${HASH}\r\n\r\n`],
  ['no info hash', 'BT-SEARCH * HTTP/1.1\r\nPort: 6881\r\n\r\n'],
  ['a short info hash', 'BT-SEARCH * HTTP/1.1\r\nPort: 6881\r\nInfohash: abc\r\n\r\n'],
  ['headers after the end', `BT-SEARCH * HTTP/1.1\r\n\r\nPort: 6881\r\nInfohash: ${HASH}\r\n`],
  ['too much', `BT-SEARCH * HTTP/1.1\r\nPort: 1\r\nInfohash: ${HASH}\r\nx: ${'y'.repeat(1400)}`],
])('refused: %s', (_, text) => {
  expect(parse(text)).toBeNull();
});

test('other clients write names and spaces in their own way', () => {
  const text = `BT-SEARCH * HTTP/1.1\r\nhost:x\r\nPORT:6881\r\nInfoHash:  ${HASH.toUpperCase()} \r\nCookie: c\r\n\r\n`;
  expect(parse(text)).toEqual({ port: 6881, infoHashes: [HASH], cookie: 'c' });
});
