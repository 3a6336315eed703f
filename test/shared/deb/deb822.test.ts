import { existsSync, readdirSync, readFileSync } from 'node:fs';

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { formatStanza, parseStanza, stanzas, type Stanza } from '../../../shared/deb/deb822.js';
import { isDebshoalError } from '../../../shared/errors.js';
import { runTool } from '../../../shared/io/run-tool.js';

const OPTIONS = { code: 'archive-malformed', maxStanzaBytes: 1 << 20 } as const;
const ci = process.env['CI'] !== undefined;

function parse(text: string | Uint8Array, comments = false): readonly Stanza[] {
  return [...stanzas(text, { ...OPTIONS, comments })];
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (isDebshoalError(error)) return error.code;
    throw error;
  }
  return 'no error';
}

const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9-]{0,12}$/);
const text = fc.string({ unit: 'binary' }).map((value) => value.replace(/[\n\r]/g, '').trim());
const continuation = fc
  .tuple(fc.constantFrom('', ' ', '\t', '  '), text)
  .map(([indent, value]) => indent + (value === '' ? '.' : value));
const value = fc
  .tuple(text, fc.array(continuation, { maxLength: 4 }))
  .map(([first, more]) => [first, ...more].join('\n'));
const fields = fc.uniqueArray(fc.tuple(name, value), {
  minLength: 1,
  maxLength: 6,
  selector: ([key]) => key.toLowerCase(),
});

describe('stanzas', () => {
  test('read back what formatStanza wrote', () => {
    fc.assert(
      fc.property(fc.array(fields, { maxLength: 5 }), (list) => {
        const parsed = parse(list.map((stanza) => formatStanza(stanza)).join('\n'));
        expect(parsed.map((stanza) => stanza.fields.map((f) => [f.name, f.value]))).toEqual(list);
      }),
    );
  });

  test('keep folded lines, indentation and the dot of an empty line', () => {
    const stanza = parseStanza(
      'Package: a\nDescription: short\n long\n .\n   indented\n\ttab \nSHA256:\n ab 1 x\n',
      OPTIONS,
    );
    expect(stanza.get('description')).toBe('short\nlong\n.\n  indented\ntab');
    expect(stanza.get('SHA256')).toBe('\nab 1 x');
    expect(stanza.get('missing')).toBeUndefined();
    expect(stanza.fields.map((field) => field.name)).toEqual(['Package', 'Description', 'SHA256']);
  });

  test('take lines of blanks and CRLF line ends for what they look like', () => {
    expect(parse('\n\nA: 1\r\nB: 2\n \t\nA: 3\n\n\n\nA:4').map((s) => s.get('a'))).toEqual([
      '1',
      '3',
      '4',
    ]);
  });

  test('count lines across stanzas', () => {
    expect(parse('A: 1\n\n\nA: 2\n\nA: 3\n').map((stanza) => stanza.line)).toEqual([1, 4, 6]);
    expect(() => parse('A: 1\n\n\nA: 2\noops\n')).toThrow('line 5');
  });

  test('skip comments only where they are allowed', () => {
    expect(parse('# a\nA: 1\n# b\n more\n\n# c\n', true).map((s) => s.get('A'))).toEqual([
      '1\nmore',
    ]);
    expect(codeOf(() => parse('# a\nA: 1\n'))).toBe('archive-malformed');
  });

  test('refuse a field that occurs twice, in any letter case', () => {
    expect(codeOf(() => parse('Size: 1\nsize: 2\n'))).toBe('archive-malformed');
  });

  test.each([
    ['no colon', 'Package\n'],
    ['a continuation first', ' continued\n'],
    ['a name with a blank', 'Two words: 1\n'],
    ['a name that begins with a hyphen', '-A: 1\n'],
    ['no name', ': 1\n'],
    ['a name outside of ASCII', 'Gr\u00f6\u00dfe: 1\n'],
  ])('refuse %s', (_, malformed) => {
    expect(codeOf(() => parse(malformed))).toBe('archive-malformed');
  });

  test('refuse an endless stanza before it is parsed', () => {
    const endless = 'A: '.padEnd(2000, 'x');
    const options = { code: 'index-malformed', maxStanzaBytes: 1000 } as const;
    expect(codeOf(() => [...stanzas(endless, options)])).toBe('limit-exceeded');
    expect(codeOf(() => [...stanzas(`A: 1\n\n${endless}`, options)])).toBe('limit-exceeded');
  });

  test('end with random bytes, too', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(['no error', 'archive-malformed']).toContain(codeOf(() => parse(bytes)));
      }),
    );
  });
});

describe('parseStanza', () => {
  test('refuses none and two', () => {
    expect(codeOf(() => parseStanza('\n', OPTIONS))).toBe('archive-malformed');
    expect(codeOf(() => parseStanza('A: 1\n\nA: 2\n', OPTIONS))).toBe('archive-malformed');
  });
});

describe('formatStanza', () => {
  test.each(['a\n\nB: 1', 'a\n ', ' a', 'a ', 'a\nb '])('refuses to write %j', (injected) => {
    expect(() => formatStanza([['A', injected]])).toThrow(Error);
    expect(() => formatStanza([['A: 1\nB', '1']])).toThrow(Error);
  });
});

describe('real files', () => {
  // Every Debian has a status file; it has all the fields that dpkg knows.
  test.skipIf(!ci && !existsSync('/var/lib/dpkg/status'))('dpkg status', () => {
    const parsed = parse(readFileSync('/var/lib/dpkg/status'));
    expect(parsed.length).toBeGreaterThan(50);
    for (const stanza of parsed) expect(stanza.get('Package')).toMatch(/^[a-z0-9]/);
  });

  test.skipIf(!ci && !existsSync('/usr/bin/dpkg-query'))(
    'control data as dpkg prints it',
    async () => {
      const { stdout } = await runTool('dpkg-query', ['-s', 'dpkg'], { maxOutput: 1 << 20 });
      const stanza = parseStanza(stdout, OPTIONS);
      expect(stanza.get('Package')).toBe('dpkg');
      expect(stanza.get('Description')).toContain('\n');
    },
  );

  const LISTS = '/var/lib/apt/lists';
  const releases = existsSync(LISTS)
    ? readdirSync(LISTS).filter((file) => file.endsWith('_InRelease'))
    : [];
  // Only there after `apt update`.
  test.skipIf(!ci && releases.length === 0)('Release files of Debian', () => {
    expect(releases.length).toBeGreaterThan(0);
    for (const file of releases) {
      const signed = readFileSync(`${LISTS}/${file}`, 'utf8');
      const body = signed.slice(
        signed.indexOf('\n\n') + 2,
        signed.indexOf('-----BEGIN PGP SIGNATURE'),
      );
      const lines = (parseStanza(body, OPTIONS).get('SHA256') ?? '').split('\n').slice(1);
      expect(lines.length).toBeGreaterThan(0);
      for (const line of lines) expect(line).toMatch(/^[0-9a-f]{64} +\d+ \S+$/);
    }
  });
});
