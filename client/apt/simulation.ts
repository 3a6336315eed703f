import { DebshoalError } from '../../shared/errors.js';
import { PACKAGE_NAME, VERSION } from './archive-name.js';

/** One package that apt would install or upgrade, from `apt-get -s`. */
export interface InstLine {
  readonly package: string;
  readonly architecture: string;
  readonly version: string;
  /** Null for a new package. */
  readonly oldVersion: string | null;
}

// Inst NAME[:ARCH] [OLD] (NEW ORIGIN… [ARCH]) [what is broken meanwhile]…
const LINE = /^Inst ([^\s:]+)(?::[a-z0-9-]+)?(?: \[([^\]\s]+)\])? \((\S+) .*?\[([a-z0-9-]+)\]\)/;

/**
 * Parses the `Inst` lines of `apt-get -s -qq …`; the others (Conf, Remv) are of no interest.
 * Fails with `apt-failed` on an `Inst` line of another form.
 */
export function parseSimulation(output: string): InstLine[] {
  return output
    .split('\n')
    .filter((line) => line.startsWith('Inst '))
    .map(parseLine);
}

function parseLine(line: string): InstLine {
  const [, name = '', oldVersion, version = '', architecture = ''] = LINE.exec(line) ?? [];
  const oldIsGood = oldVersion === undefined || VERSION.test(oldVersion);
  if (!PACKAGE_NAME.test(name) || !VERSION.test(version) || !oldIsGood) {
    throw new DebshoalError('apt-failed', `unexpected line of -s: ${line}`);
  }
  return { package: name, architecture, version, oldVersion: oldVersion ?? null };
}
