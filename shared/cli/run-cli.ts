import { readFileSync } from 'node:fs';

import type { Argv } from 'yargs';

import { DebshoalError, EXIT_STATUS, isDebshoalError, withCode } from '../errors.js';

type Interrupt = 'SIGINT' | 'SIGTERM' | 'SIGHUP';
const INTERRUPTS: readonly Interrupt[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** For commands that have nothing to finish: temporary files go as the process ends. */
export function exitOnInterrupt(): void {
  for (const name of INTERRUPTS) {
    process.once(name, () => {
      process.exit(report(new DebshoalError('interrupted', 'interrupted'), false));
    });
  }
}

/**
 * `interrupted` after Ctrl-C or a service manager's stop; commands pass the signal everywhere. To a
 * service SIGHUP means something else.
 */
export function interruptSignal(names = INTERRUPTS): AbortSignal {
  const controller = new AbortController();
  for (const name of names) {
    process.once(name, () => {
      controller.abort();
    });
  }
  return controller.signal;
}

/** Finishes a program's yargs, runs the command and turns every failure into its exit status. */
export async function runCli(program: Argv): Promise<void> {
  const wantsJson = process.argv.includes('--json');
  try {
    await program
      .demandCommand(1, 'Name a command; --help lists them.')
      .strict()
      .help()
      .alias('help', 'h')
      .version(readVersion())
      .recommendCommands()
      .check((args) => refuseRepeated(program, args))
      // yargs breaks lines in the middle of words.
      .wrap(null)
      .epilogue(exitStatusHelp())
      .fail((message: string | null, error: unknown) => {
        if (error instanceof Error) throw error;
        throw new DebshoalError('usage', message ?? 'wrong usage', { hint: 'see --help' });
      })
      .parseAsync();
  } catch (thrown) {
    process.exitCode = report(withCode(thrown), wantsJson);
  }
}

/** From package.json, as seen from dist/shared/cli/. */
export function readVersion(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** yargs makes a list of an option that is given twice, and commands expect one text. */
function refuseRepeated(program: Argv, args: Readonly<Record<string, unknown>>): true {
  const { array: lists } = (program as unknown as { getOptions(): Options }).getOptions();
  for (const [name, value] of Object.entries(args)) {
    if (name === '_' || !Array.isArray(value) || lists.includes(name)) continue;
    throw new DebshoalError('usage', `--${name} is given more than once`, { hint: 'see --help' });
  }
  return true;
}

/** What @types/yargs leaves out of its getOptions(). */
interface Options {
  readonly array: readonly string[];
}

function report(error: unknown, wantsJson: boolean): number {
  if (!isDebshoalError(error)) {
    // A bug: the stack is what we need to mend it.
    console.error(error);
    return 1;
  }
  if (wantsJson) {
    const { code, message, hint } = error;
    console.log(JSON.stringify({ error: { code, message, hint } }));
  }
  console.error(`error: ${error.message} [${error.code}]`);
  if (error.hint !== undefined) console.error(`hint: ${error.hint}`);
  return EXIT_STATUS[error.code];
}

const CODES_PER_LINE = 4;

function exitStatusHelp(): string {
  const cells = ['0 success', '1 a bug'];
  for (const [code, status] of Object.entries(EXIT_STATUS)) cells.push(`${status} ${code}`);
  const width = Math.max(...cells.map((cell) => cell.length)) + 2;
  const lines = ['Exit status:'];
  for (let at = 0; at < cells.length; at += CODES_PER_LINE) {
    const line = cells.slice(at, at + CODES_PER_LINE).map((cell) => cell.padEnd(width));
    lines.push(`  ${line.join('').trimEnd()}`);
  }
  return lines.join('\n');
}
