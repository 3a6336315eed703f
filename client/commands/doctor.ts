import type { Argv, CommandModule } from 'yargs';

import { interruptSignal, readVersion } from '../../shared/cli/run-cli.js';
import { examine } from '../doctor/doctor.js';
import type { Finding } from '../doctor/finding.js';

/** Not of the table of errors: nothing has failed, and what was found is told. */
const PROBLEM_FOUND = 3;

export const doctorCommand: CommandModule<object, { json: boolean }> = {
  command: 'doctor',
  describe: 'Check apt, daemon, index, keys, disk, network and clock; says what to do',
  builder: (yargs: Argv) =>
    yargs
      .option('json', { type: 'boolean', default: false, describe: 'print one JSON object' })
      .epilogue(
        `Exit status: 0 when nothing is wrong, or warnings alone were found; ${PROBLEM_FOUND} for a problem.`,
      ),
  async handler({ json }) {
    const findings = await examine({ version: readVersion(), signal: interruptSignal() });
    if (json) console.log(JSON.stringify({ findings }));
    else console.log(findings.flatMap(describe).join('\n'));
    if (findings.some(({ level }) => level === 'problem')) process.exitCode = PROBLEM_FOUND;
  },
};

function describe({ area, level, text, advice }: Finding): readonly string[] {
  const line = `${level.padEnd(8)} ${area.padEnd(9)} ${text}`;
  return advice === null ? [line] : [line, `${' '.repeat(19)}${advice}`];
}
