import { execFileSync, spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';

import { bashCompletion, zshCompletion } from '../../../packaging/debian/completion.js';
import {
  commandNames,
  entriesOf,
  optionsOf,
  parseHelp,
} from '../../../packaging/debian/help-text.js';
import { manPage } from '../../../packaging/debian/man-page.js';
import { runCli } from '../../support/cli.js';
import { hasTool } from '../../support/tools.js';

const PROGRAM = `tool <command>

Does what it is told.

Commands:
  tool mend <thing>  Mend a thing
  tool break         Break everything

Options:
  -h, --help     Show help  [boolean]
      --version  Show version number  [boolean]

Exit status:
  0 success  2 usage
`;

const MEND = `tool mend <thing>

Mend a thing

Positionals:
  thing  what to mend  [string] [required]

Options:
  -h, --help   Show help  [boolean]
      --how    well, or soon  [choices: "well", "soon"] [default: "well"]
      --dry-run  change nothing  [boolean]

Examples:
  tool mend a.b --how soon  in a hurry

Mending:
  .things are "mended" at C:\\once.
`;

const [program, mend] = [parseHelp(PROGRAM), parseHelp(MEND)];

describe('what --help prints', () => {
  test('is understood', () => {
    expect(program.summary).toBe('Does what it is told.');
    expect(commandNames(program)).toEqual(['mend', 'break']);
    expect(entriesOf(mend, 'Examples')).toEqual([
      { term: 'tool mend a.b --how soon', text: 'in a hurry' },
    ]);
    expect(optionsOf(mend)).toEqual([
      { name: '--help', choices: [] },
      { name: '--how', choices: ['well', 'soon'] },
      { name: '--dry-run', choices: [] },
    ]);
  });

  test.each(['client', 'generator'] as const)('of the real %s, too', async (side) => {
    const help = parseHelp((await runCli(side, ['--help'])).stdout);
    expect(help.summary).toMatch(/^[A-Z].*\.$/);
    expect(commandNames(help).length).toBeGreaterThan(4);
    expect(optionsOf(help).map(({ name }) => name)).toEqual(['--help', '--version']);
    expect(help.sections.map(({ title }) => title)).toContain('Exit status');
  });
});

const page = manPage(program, [mend], {
  name: 'tool',
  version: '1',
  date: '2026-11-23',
  files: [['/etc/tool.conf', 'Its settings.']],
  seeAlso: ['apt (8)'],
});

describe('the man page', () => {
  test('has every command, option and example', () => {
    for (const part of ['.SS "tool mend <thing>"', '.B \\-\\-dry\\-run', 'in a hurry', 'mended']) {
      expect(page).toContain(part);
    }
  });

  test.skipIf(!hasTool('man'))('is what man(7) understands (needs man)', () => {
    const args = ['--warnings', '--local-file', '-'];
    const { stdout, stderr } = spawnSync('man', args, { input: page, encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(stdout).toContain('.things are "mended" at C:\\once.');
    expect(stdout).toContain('--dry-run');
  });
});

/** What bash offers after `words`, the last of which is being written. */
function offered(...words: string[]): string[] {
  const script = `${bashCompletion('tool', program, [{ name: 'mend', help: mend }])}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _tool; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const shown = execFileSync('bash', ['-c', script, 'bash', ...words], { encoding: 'utf8' });
  return shown.split('\n').filter((word) => word !== '');
}

describe.skipIf(!hasTool('bash'))('completion in bash (needs bash)', () => {
  test('offers commands, options and their words', () => {
    expect(offered('tool', '')).toEqual(['mend', 'break', '--help', '--version']);
    expect(offered('tool', 'me')).toEqual(['mend']);
    expect(offered('tool', 'mend', '--d')).toEqual(['--dry-run']);
    expect(offered('tool', 'mend', '--how', '')).toEqual(['well', 'soon']);
  });

  test('leaves files to bash', () => {
    expect(offered('tool', 'mend', 'a')).toEqual([]);
  });
});

test.skipIf(!hasTool('zsh'))('completion for zsh is a script (needs zsh)', () => {
  const script = zshCompletion('tool', program, [{ name: 'mend', help: mend }]);
  expect(spawnSync('zsh', ['-n'], { input: script, encoding: 'utf8' }).stderr).toBe('');
});
