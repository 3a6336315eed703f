import { expect, test } from 'vitest';

import { readFields, type FieldParsers } from '../../../shared/config/read-fields.js';
import { integer, oneOf } from '../../../shared/config/values.js';
import { isDebshoalError } from '../../../shared/errors.js';

interface Example {
  readonly size: number;
  readonly colour: string;
}

const PARSERS: FieldParsers<Example> = {
  'Box-Size': (value, fail) => ({ size: integer(value, 1, 9, fail) }),
  Colour: (value, fail) => ({ colour: oneOf(value, ['red', 'blue'], fail) }),
};

function mistake(text: string): { message: string; hint: string | undefined } {
  try {
    readFields(text, 'box.conf', PARSERS);
  } catch (error) {
    if (isDebshoalError(error, 'config-invalid')) return error;
    throw error;
  }
  throw new Error('no mistake was found');
}

test('tells what each field sets, and on which line', () => {
  expect(readFields('# a\nBOX-size: 3\n\n# b\n\nColour: red\n', 'box.conf', PARSERS)).toEqual([
    { name: 'Box-Size', line: 2, sets: { size: 3 } },
    { name: 'Colour', line: 6, sets: { colour: 'red' } },
  ]);
  expect(readFields('', 'box.conf', PARSERS)).toEqual([]);
});

test('a mistake comes with file, line, field and reason', () => {
  expect(mistake('# a\n\nBox-Size: 10\n').message).toBe(
    'box.conf line 3: Box-Size must be from 1 to 9',
  );
  expect(mistake('Colour: green').message).toBe('box.conf line 1: Colour must be red or blue');
  expect(mistake('Colour: red\n\ncolour: blue').message).toBe(
    'box.conf line 3: Colour is already on line 1',
  );
  expect(mistake('Colour').message).toContain('box.conf line 1');
});

test('an unknown field comes with the nearest name, or with all', () => {
  expect(mistake('Color: red')).toMatchObject({
    message: 'box.conf line 1: unknown field Color',
    hint: 'Did you mean Colour?',
  });
  expect(mistake('Weight: 3').hint).toBe('Known fields: Box-Size, Colour.');
});
