import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import { listedPath } from '../../../shared/deb/tar.js';
import {
  parseConffiles,
  parseMd5sums,
  predictMd5sums,
} from '../../../shared/tar-layout/md5sums.js';
import { FIXTURE_PAIRS } from '../../support/fixture-pairs.js';
import { encodeTars } from '../../support/tar-layout.js';
import { hasTool } from '../../support/tools.js';

const SUM = 'd41d8cd98f00b204e9800998ecf8427e';

function md5(bytes: Buffer): string {
  return createHash('md5').update(bytes).digest('hex');
}

describe('md5sums', () => {
  describe.skipIf(!hasTool('dpkg-deb'))('of real packages (needs dpkg-deb)', () => {
    it.each(FIXTURE_PAIRS)('are predicted byte for byte: $name', async ({ newDeb }) => {
      const run = (tool: string, options: string[], input?: Buffer): Buffer =>
        execFileSync(tool, options, { maxBuffer: 1 << 28, stdio: 'pipe', ...(input && { input }) });
      const tar = run('dpkg-deb', ['--fsys-tarfile', newDeb]);
      const control = run('dpkg-deb', ['--ctrl-tarfile', newDeb]);
      const has = run('tar', ['tf', '-'], control).toString();
      const controlFile = (name: string): Buffer =>
        has.includes(`./${name}\n`) ? run('tar', ['xOf', '-', `./${name}`], control) : Buffer.of();
      // The helper has six bytes before the tar.
      const { contents } = await encodeTars([tar]);
      const files = contents.map(({ path, offset, size }) => ({
        path,
        md5: md5(tar.subarray(offset - 6, offset - 6 + size)),
      }));
      const conffiles = parseConffiles(controlFile('conffiles'));
      const real = controlFile('md5sums');
      expect(predictMd5sums(files, conffiles).toString()).toBe(real.toString());
      for (const [path, sum] of parseMd5sums(real)) {
        expect(files.find((file) => file.path === path)?.md5).toBe(sum);
      }
    });
  });

  it('are in the order of bytes, without conffiles', () => {
    const paths = [
      '/usr/z',
      '/usr/a/b',
      '/usr/a.b',
      '/etc/kept',
      '/etc/conf',
      '/\u{1f600}',
      '/\uffee',
    ];
    const files = paths.map((path) => ({ path, md5: SUM }));
    expect(predictMd5sums(files, new Set(['/etc/conf'])).toString()).toBe(
      ['etc/kept', 'usr/a.b', 'usr/a/b', 'usr/z', '\uffee', '\u{1f600}']
        .map((path) => `${SUM}  ${path}\n`)
        .join(''),
    );
    expect(predictMd5sums([], new Set()).length).toBe(0);
  });

  it('are read whatever other lines there are', () => {
    const text = [
      `${SUM}  usr/bin/git`,
      `${SUM.toUpperCase()} *./usr/bin/upper`,
      `${SUM}  usr/with  blanks `,
      `${SUM}  __proto__`,
      '',
      'nonsense',
      `${SUM} one-blank`,
      SUM,
      `${SUM.slice(1)}  short`,
      `\\${SUM}  escaped`,
      `${SUM}  no line end`,
    ].join('\n');
    const sums = parseMd5sums(Buffer.from(text));
    expect([...sums.keys()]).toEqual([
      '/usr/bin/git',
      '/usr/bin/upper',
      '/usr/with  blanks ',
      '/__proto__',
      '/no line end',
    ]);
    expect(new Set(sums.values())).toEqual(new Set([SUM]));
    expect(parseMd5sums(Buffer.alloc(1 << 16, 0xff)).size).toBe(0);
    expect(listedPath('__proto__')).toBe('/__proto__');
  });

  it('leave out what conffiles name', () => {
    const conffiles = parseConffiles(Buffer.from('/etc/a\n/etc/b \nremove-on-upgrade /etc/c\n\n'));
    expect([...conffiles]).toEqual(['/etc/a', '/etc/b']);
  });
});
