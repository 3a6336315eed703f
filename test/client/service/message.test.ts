import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  formatMessage,
  MESSAGE_BYTES,
  messageReader,
  parseMessage,
  type Message,
} from '../../../client/service/message.js';
import { thrownCode } from '../../support/error-code.js';

const bytes = (text: string): Buffer => Buffer.from(text);

describe('messages', () => {
  test('a message comes back, wherever the stream cuts it', () => {
    const word = fc.stringMatching(/^[!-~äé€🙂]{1,12}$/u);
    const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,20}$/);
    const fields = fc.uniqueArray(fc.tuple(name, word), {
      selector: ([field]) => field.toLowerCase(),
      maxLength: 20,
    });
    fc.assert(
      fc.property(
        fc.integer({ min: 100, max: 999 }),
        word,
        fields,
        fc.integer({ min: 1, max: 100 }),
        (code, text, list, step) => {
          const written = bytes(formatMessage(code, text, Object.fromEntries(list)));
          const reader = messageReader();
          const found: (Message | null)[] = [];
          for (let at = 0; at < written.length; at += step) {
            found.push(reader.push(written.subarray(at, at + step)));
          }
          expect(found.slice(0, -1).every((message) => message === null)).toBe(true);
          expect(found.at(-1)).toEqual({
            code,
            text,
            fields: new Map(list.map(([field, value]) => [field.toLowerCase(), value])),
          });
        },
      ),
    );
  });

  test('no value ends a line, and so none can be taken for a field or another message', () => {
    const unit = fc.constantFrom(
      '\n',
      '\r',
      '\u2028',
      '\u0085',
      '\0',
      ':',
      'A',
      ' ',
      '🙂',
      '\ud800',
    );
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 60 }), (value) => {
        const message = parseMessage(bytes(formatMessage(400, 'URI Failure', { Message: value })));
        expect([...message.fields.keys()]).toEqual(['message']);
      }),
    );
  });

  test('whatever comes is a message or refused, never anything else', () => {
    const text = fc.string({
      unit: fc.constantFrom('\n', ':', ' ', '6', '0', 'A', 'b', '\r', '\0', 'é'),
    });
    fc.assert(
      fc.property(fc.oneof(text.map(bytes), fc.uint8Array({ maxLength: 200 })), (input) => {
        const reader = messageReader();
        expect(['none', 'usage']).toContain(thrownCode(() => reader.push(input)));
      }),
    );
  });

  const hostile: [name: string, message: Uint8Array][] = [
    ['no code', bytes('URI Acquire\nA: b\n\n')],
    ['a code of four digits', bytes('6000 URI Acquire\n\n')],
    ['no text', bytes('600 \n\n')],
    ['nothing at all', bytes('\n\n')],
    ['an HTTP request', bytes('GET / HTTP/1.1\r\nHost: a\r\n\r\n\n\n')],
    ['a line without a colon', bytes('600 URI Acquire\nFilename\n\n')],
    ['a folded line', bytes('600 URI Acquire\nFilename: a\n b\n\n')],
    ['a field twice', bytes('600 URI Acquire\nFilename: a\nfilename: b\n\n')],
    ['a NUL', bytes('600 URI Acquire\nFilename: a\0b\n\n')],
    ['an escape sequence', bytes('600 URI Acquire\nFilename: \u001b[2J\n\n')],
    ['broken UTF-8', Buffer.from('600 URI Acquire\nFilename: \xff\xfe\n\n', 'latin1')],
    ['an overlong form of a slash', Buffer.from('600 URI\nFilename: \xc0\xaf\n\n', 'latin1')],
    [
      'too many fields',
      bytes(`600 URI\n${[...Array(300).keys()].map((i) => `A${i}: b\n`).join('')}\n`),
    ],
  ];
  for (const [name, message] of hostile) {
    test(`refuses ${name}`, () => {
      expect(thrownCode(() => messageReader().push(message))).toBe('usage');
    });
  }

  test('a message without an end is refused at 64 KiB, in whatever pieces it comes', () => {
    const reader = messageReader();
    const piece = bytes('A: b\n'.repeat(200));
    for (let sent = 0; sent + piece.length <= MESSAGE_BYTES; sent += piece.length) {
      expect(reader.push(piece)).toBe(null);
    }
    expect(thrownCode(() => reader.push(piece))).toBe('usage');
  });
});
