import { entriesOf, type HelpText } from './help-text.js';

export interface ManualOptions {
  /** Of the program. */
  readonly name: string;
  readonly version: string;
  /** `2026-11-23`. */
  readonly date: string;
  /** Files that a user may want to know, and what is in them. */
  readonly files: readonly (readonly [path: string, text: string])[];
  readonly seeAlso: readonly string[];
}

/** One page for a program, with a section for each command, from what `--help` says: man(7). */
export function manPage(
  program: HelpText,
  commands: readonly HelpText[],
  { name, version, date, files, seeAlso }: ManualOptions,
): string {
  const summary = program.summary.replace(/\.$/, '');
  return [
    `.TH ${name.toUpperCase()} 1 ${quote(date)} ${quote(`debshoal ${version}`)} ${quote('User commands')}`,
    '.SH NAME',
    `${escape(name)} \\- ${escape(summary.charAt(0).toLowerCase() + summary.slice(1))}`,
    '.SH SYNOPSIS',
    ...commands.flatMap(({ usage }) => [`.B ${escape(usage)}`, '.br']).slice(0, -1),
    '.SH DESCRIPTION',
    `${escape(summary)}.`,
    'Every command has these options:',
    ...definitions(program, 'Options'),
    '.SH COMMANDS',
    ...commands.flatMap((command) => describeCommand(command)),
    '.SH FILES',
    ...files.flatMap(([path, text]) => ['.TP', `.I ${escape(path)}`, escape(text)]),
    ...section(program, 'Exit status', 'EXIT STATUS'),
    '.SH SEE ALSO',
    seeAlso.map((page) => `.BR ${page}`).join(' ,\n'),
    '',
  ].join('\n');
}

/** Those that the program itself has are described once. */
const COMMON = /^(-h, )?--(help|version)$/;

function describeCommand(command: HelpText): string[] {
  const lines = [`.SS ${quote(escape(command.usage))}`, `${escape(command.summary)}.`];
  lines.push(...definitions(command, 'Positionals'));
  const options = entriesOf(command, 'Options').filter(({ term }) => !COMMON.test(term));
  if (options.length > 0) lines.push(...options.flatMap(({ term, text }) => tagged(term, text)));
  const known = ['Positionals', 'Options', 'Examples', 'Exit status'];
  for (const { title, lines: text } of command.sections) {
    if (known.includes(title)) continue;
    lines.push('.PP', ...(title === '' ? [] : [`.I ${escape(title)}:`, '.br']));
    lines.push(...text.map((line) => escape(line.trim())));
  }
  const examples = entriesOf(command, 'Examples');
  if (examples.length > 0) lines.push('.PP', 'Examples:');
  for (const { term, text } of examples) lines.push(...tagged(term, text));
  return lines;
}

function definitions(help: HelpText, title: string): string[] {
  return entriesOf(help, title).flatMap(({ term, text }) => tagged(term, text));
}

function tagged(term: string, text: string): string[] {
  return ['.TP', `.B ${escape(term)}`, ...(text === '' ? ['\\&'] : [escape(text)])];
}

/** As it stands: a table in columns. */
function section(help: HelpText, title: string, heading: string): string[] {
  const found = help.sections.find((one) => one.title === title);
  if (found === undefined) return [];
  return [`.SH ${heading}`, '.nf', ...found.lines.map((line) => escape(line.trim())), '.fi'];
}

/** What roff would read as its own: backslashes, hyphens (as minus, to be copied), leading dots. */
function escape(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^[.']/, '\\&$&')
    .replaceAll('…', '...')
    .replaceAll('’', "'")
    .replaceAll('"', '\\(dq');
}

function quote(text: string): string {
  return `"${text}"`;
}
