import { setMaxListeners } from 'node:events';

import type { Argv, CommandModule } from 'yargs';

import { formatTable } from '../../shared/cli/format.js';
import { interruptSignal } from '../../shared/cli/run-cli.js';
import { DebshoalError } from '../../shared/errors.js';
import { isInstalled } from '../measure/machine.js';
import { isMet, type Figure, type ScenarioOptions } from '../swarm/lab.js';
import { alone } from '../swarm/scenarios/alone.js';
import { crowd } from '../swarm/scenarios/crowd.js';
import { dead } from '../swarm/scenarios/dead.js';
import { house } from '../swarm/scenarios/house.js';
import { lanObject } from '../swarm/scenarios/lan-object.js';
import { liars } from '../swarm/scenarios/liars.js';
import { loopback } from '../swarm/scenarios/loopback.js';

interface Scenario {
  readonly run: (options: ScenarioOptions) => Promise<Figure[]>;
  /** Programs besides ip, tc and nsenter. */
  readonly needs: readonly string[];
}

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  alone: { run: alone, needs: ['curl'] },
  lan: { run: lanObject, needs: [] },
  liars: { run: liars, needs: [] },
  dead: { run: dead, needs: [] },
  house: { run: house, needs: [] },
  loopback: { run: loopback, needs: ['aria2c'] },
  crowd: { run: crowd, needs: ['curl'] },
};

interface SwarmArguments {
  scenario: string[] | undefined;
  full: boolean;
  json: boolean;
}

const HELP = `$0 swarm

Measures downloads from peers and over HTTP together, on computers that are network namespaces of
this machine, with lines shaped by tc. The clients are the project's own downloads and swarm, each in
processes of its own. Needs root, iproute2 and nsenter, for some scenarios curl, aria2 and
python3-libtorrent. Nothing of this machine's own network is touched, and nothing stays behind.

  alone     one client that finds no peers, beside curl: over one kept connection or over four,
            whichever is faster
  lan       a small object from a peer of the same network
  liars     one honest peer among three that send garbage
  dead      tracker, mirror and known peers dead, in every combination but all
  house     four computers behind one line
  loopback  one large transfer from peer to peer, beside aria2 and libtorrent
  crowd     many clients that want the same at once, beside curl

Ratios are within one run. A machine at its limits shows as slow clients: look at the CPU seconds.`;

export const swarmCommand: CommandModule<object, SwarmArguments> = {
  command: 'swarm',
  describe: 'Measure downloads from peers and over HTTP in a network of namespaces',
  builder: (yargs: Argv) =>
    yargs
      .usage(HELP)
      .option('scenario', {
        type: 'string',
        array: true,
        choices: Object.keys(SCENARIOS),
        describe: 'default: all of them',
      })
      .option('full', {
        type: 'boolean',
        default: false,
        describe: 'the sizes of the targets: 30 clients with 100 MB, 1 GB; a quarter of an hour',
      })
      .option('json', { type: 'boolean', default: false, describe: 'print JSON' }),
  async handler({ scenario, full, json }) {
    const signal = interruptSignal();
    // Each process of a crowd listens.
    setMaxListeners(0, signal);
    const names = scenario ?? Object.keys(SCENARIOS);
    await refuseWithout(['ip', 'tc', 'nsenter', ...names.flatMap((name) => find(name).needs)]);
    const figures: Figure[] = [];
    for (const name of names) {
      signal.throwIfAborted();
      const note = (text: string): void => {
        console.error(`${name}: ${text}`);
      };
      note('…');
      figures.push(...(await find(name).run({ full, signal, note })));
    }
    console.log(json ? JSON.stringify({ full, figures }) : describe(figures));
  },
};

function find(name: string): Scenario {
  const found = SCENARIOS[name];
  if (found === undefined) throw new DebshoalError('usage', `no scenario ${name}`);
  return found;
}

async function refuseWithout(programs: readonly string[]): Promise<void> {
  if (process.geteuid?.() !== 0) {
    throw new DebshoalError('usage', 'network namespaces need root');
  }
  for (const program of programs) {
    if (await isInstalled(program)) continue;
    throw new DebshoalError('tool-failed', `${program} is not installed`);
  }
}

function describe(figures: readonly Figure[]): string {
  return formatTable(
    ['figure', 'target', 'found', '', 'of'],
    figures.map((figure) => [
      figure.name,
      figure.most === undefined ? `≥ ${figure.least ?? 0}` : `≤ ${figure.most}`,
      figure.found.toFixed(2),
      isMet(figure) ? 'met' : 'missed',
      figure.detail,
    ]),
  );
}
