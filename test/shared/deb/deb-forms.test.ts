import { describe, expect, it } from 'vitest';

import { exactForm, expandedForm, formSize, type DebPiece } from '../../../shared/deb/deb-forms.js';
import { errorCode } from '../../support/error-code.js';

interface Tar {
  readonly kind: 'member';
  readonly length: number;
  readonly packedLength: number;
}

const header = (name: string, size: number): string =>
  `${name.padEnd(16)}1700000000  7     8     100600  ${String(size).padEnd(10)}\`\n`;

const MAGIC = `!<arch>\n${header('debian-binary', 4)}2.0\n`;

/** Literals as text; a tar is `[its packed length, its length]`. */
type Given = string | [packed: number, length: number];

function pieces(...all: readonly Given[]): DebPiece<Tar>[] {
  const literals = all.filter((one) => typeof one === 'string');
  const parts = all.map((one) =>
    typeof one === 'string'
      ? { kind: 'literal' as const, length: one.length }
      : { kind: 'member' as const, packedLength: one[0], length: one[1] },
  );
  return exactForm(parts, Buffer.from(literals.join(''), 'latin1'));
}

/** One text, in which a member is its length in brackets. */
function show(form: readonly DebPiece<Tar>[]): string {
  return form
    .map((piece) =>
      piece.kind === 'literal' ? piece.bytes.toString('latin1') : `[${piece.length}]`,
    )
    .join('');
}

describe('the expanded form', () => {
  it('changes name and size of packed members, and nothing else of their headers', () => {
    const exact = pieces(
      MAGIC + header('control.tar.xz', 280),
      [280, 10_240],
      header('data.tar.zst', 1000),
      [1000, 20_480],
      header('_gpgorigin', 3) + 'abc\n',
    );
    const form = expandedForm(exact);
    const expected = [
      MAGIC + header('control.tar', 10_240) + '[10240]',
      header('data.tar', 20_480) + '[20480]',
      header('_gpgorigin', 3) + 'abc\n',
    ];
    expect(show(form)).toBe(expected.join(''));
    expect(formSize(form)).toBe(MAGIC.length + 3 * 60 + 4 + 10_240 + 20_480);
  });

  it('pads the tars and no longer what they were packed to', () => {
    const exact = pieces(
      MAGIC + header('control.tar.gz', 281),
      [281, 10_240],
      '\n' + header('data.tar.xz', 1001),
      [1001, 20_481],
      '\n' + header('_more', 2) + 'ab',
    );
    const expected = [
      MAGIC + header('control.tar', 10_240) + '[10240]',
      header('data.tar', 20_481) + '[20481]\n',
      header('_more', 2) + 'ab',
    ];
    expect(show(expandedForm(exact))).toBe(expected.join(''));
  });

  it('pads a last tar of odd length, whether its packed bytes were padded or not', () => {
    for (const [end, packed] of [
      ['\n', 7],
      ['', 7],
      ['', 8],
    ] as const) {
      const exact = pieces(MAGIC + header('data.tar.xz', packed), [packed, 9], end);
      expect(show(expandedForm(exact))).toBe(`${MAGIC}${header('data.tar', 9)}[9]\n`);
    }
  });

  it('is the .deb itself where nothing is packed, odd padding included', () => {
    const exact = pieces(
      MAGIC + header('control.tar', 511),
      [511, 511],
      '\0' + header('data.tar/', 9),
      [9, 9],
    );
    expect(show(expandedForm(exact))).toBe(show(exact));
  });

  it('keeps the slash of System V behind a name', () => {
    const exact = pieces(MAGIC + header('data.tar.xz/', 8), [8, 512]);
    expect(show(expandedForm(exact))).toBe(`${MAGIC}${header('data.tar/', 512)}[512]`);
  });
});

describe('what an attacker puts around the members', () => {
  it.each<[string, readonly Given[]]>([
    ['no header at all', [[8, 512]]],
    ['a header that is cut off', ['x'.repeat(59), [8, 512]]],
    ['another name', [header('data.tar.xz.sh', 8), [8, 512]]],
    ['two members behind one header', [header('data.tar.xz', 8), [8, 512], [8, 512]]],
    ['a tar that no size field can hold', [header('data.tar.xz', 8), [8, 10_000_000_000]]],
  ])('%s is refused', async (_what, all) => {
    expect(await errorCode(() => expandedForm(pieces(...all)))).toBe('delta-damaged');
  });

  it('literals that are shorter than declared are refused', async () => {
    const parts = [{ kind: 'literal', length: 9 }] as const;
    expect(await errorCode(() => exactForm<Tar>(parts, Buffer.alloc(8)))).toBe('delta-damaged');
  });
});
