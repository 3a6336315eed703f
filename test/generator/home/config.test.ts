import { describe, expect, test } from 'vitest';

import { configTemplate } from '../../../generator/home/config-template.js';
import { DEFAULT_CONFIG, parseConfig } from '../../../generator/home/config.js';
import { isDebshoalError } from '../../../shared/errors.js';
import { errorCode } from '../../support/error-code.js';

function hintFor(text: string): string | undefined {
  try {
    parseConfig(text);
  } catch (error) {
    if (isDebshoalError(error, 'config-invalid')) return error.hint;
    throw error;
  }
  return undefined;
}

describe('the configuration that init writes', () => {
  test('means the defaults', () => {
    expect(parseConfig(configTemplate({}))).toEqual(DEFAULT_CONFIG);
  });

  test('shows the defaults, and every field', () => {
    const uncommented = configTemplate({}).replaceAll(/^#(?=[A-Z])/gm, '');
    expect(parseConfig(uncommented)).toEqual(DEFAULT_CONFIG);
    for (const field of Object.keys(DEFAULT_CONFIG)) {
      const name = field.replaceAll(/[A-Z]/g, (letter) => `-${letter}`);
      expect(uncommented.toLowerCase()).toContain(`\n${name.toLowerCase()}:`);
    }
  });
});

describe('parseConfig', () => {
  test('reads every field, with comments and blank lines between', () => {
    expect(
      parseConfig(`Suites: bookworm, bookworm/updates
# a comment between
 trixie

components: main
Architectures: amd64
Keep-Versions: 1
Max-Ratio: 50
Coding: small

Workers: 2
Announce: http://a.example/announce
 udp://b.example:6969
Mirror: https://mirror.example.org/debian/
Base-URL: http://localhost:8080
Valid-For: 14
Origin: Us
Label: Our deltas
`),
    ).toEqual({
      suites: ['bookworm', 'bookworm/updates', 'trixie'],
      components: ['main'],
      architectures: ['amd64'],
      keepVersions: 1,
      maxRatio: 50,
      coding: 'small',
      workers: 2,
      announce: ['http://a.example/announce', 'udp://b.example:6969'],
      mirror: 'https://mirror.example.org/debian',
      baseUrl: 'http://localhost:8080',
      validFor: 14,
      origin: 'Us',
      label: 'Our deltas',
    });
  });

  test('names the nearest known field', () => {
    expect(hintFor('Max-Ration: 70\n')).toContain('Max-Ratio');
    expect(hintFor('Keepversions: 70\n')).toContain('Keep-Versions');
    expect(hintFor('Colour: red\n')).toContain('Suites');
  });

  test('names the line', () => {
    expect(() => parseConfig('# x\n\nSuites: a\n\n# y\nMax-Ratio: 0\n')).toThrow('line 6');
    expect(() => parseConfig('# x\nSuites: a\n\nSuites: b\n')).toThrow('line 4');
    expect(() => parseConfig('# x\nSuites\n')).toThrow('line 2');
  });

  test.each([
    'Suites: ../etc',
    'Suites: ok\n # a comment with a blank before it',
    'Components: /main',
    'Architectures: AMD64',
    'Keep-Versions: 0',
    'Keep-Versions: 1.5',
    'Keep-Versions:',
    'Max-Ratio: 101',
    'Coding: smallest',
    'Max-Ratio: 70%',
    'Workers: many',
    'Workers: 0',
    'Announce: tracker.example.org',
    'Announce: ftp://tracker.example.org',
    'Mirror: file:///srv',
    'Mirror: http://a http://b',
    'Base-URL: http://a/?b',
    'Valid-For: -1',
    'Origin:',
    'Label: a\n b',
    'no field',
    ' Suites: a',
  ])('refuses %j', async (text) => {
    expect(await errorCode(() => parseConfig(text))).toBe('config-invalid');
  });
});
