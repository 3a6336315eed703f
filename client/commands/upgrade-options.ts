import { resolve } from 'node:path';

import type { Argv } from 'yargs';

import { DebshoalError } from '../../shared/errors.js';
import { isComponent, isSuite } from '../../shared/index/layout.js';
import type { ReportProgress } from '../../shared/progress.js';
import type { AptSystem } from '../apt/apt-system.js';
import type { UpgradeRequest } from '../apt/pending-upgrades.js';
import {
  isHttpUrl,
  readIndexSources,
  SOURCES_FOLDER,
  type IndexSource,
} from '../config/index-sources.js';
import { readEffectiveSettings, SETTINGS_FILE } from '../config/read-settings.js';
import type { Settings } from '../config/settings.js';
import { readTrustedKey } from '../config/trusted-key.js';
import { PREFERENCES, type Preference } from '../predict/choose-set.js';
import { EXPANDED_POLICIES, type ExpandedPolicy } from '../steps/find-expandable.js';

/** What `plan` and `fetch` have in common. */
export interface UpgradeArguments {
  packages: string[] | undefined;
  root: string;
  'full-upgrade': boolean;
  index: string | undefined;
  suite: string[] | undefined;
  component: string[];
  key: string | undefined;
  expanded: ExpandedPolicy | undefined;
  prefer: Preference | undefined;
  json: boolean;
}

const AS_CONFIGURED = `as /${SETTINGS_FILE} says, or auto`;

export function upgradeOptions<T>(yargs: Argv<T>) {
  return yargs
    .positional('packages', {
      type: 'string',
      array: true,
      describe: 'packages to install or upgrade; none: all that `apt upgrade` would',
    })
    .option('root', { type: 'string', default: '/', describe: 'system to upgrade, e.g. a chroot' })
    .option('full-upgrade', {
      type: 'boolean',
      default: false,
      describe: 'what `apt full-upgrade` would do',
    })
    .option('index', {
      type: 'string',
      describe: `URL of a published tree, instead of the sources in /${SOURCES_FOLDER}`,
    })
    .option('suite', { type: 'string', array: true, describe: 'suites of --index' })
    .option('component', {
      type: 'string',
      array: true,
      default: ['main'],
      describe: 'components of --index',
    })
    .option('key', { type: 'string', describe: 'public key of --index' })
    .option('expanded', {
      choices: EXPANDED_POLICIES,
      defaultDescription: AS_CONFIGURED,
      describe:
        'who may vouch for uncompressed packages, which need no xz: archives for their own, ' +
        'all indexes in use, or nobody',
    })
    .option('prefer', {
      choices: PREFERENCES,
      defaultDescription: AS_CONFIGURED,
      describe:
        'fewest bytes, or least time by the speeds that were seen here; auto: time, and bytes ' +
        'where they cost less than half a second or a twentieth of the time',
    })
    .option('json', { type: 'boolean', default: false, describe: 'print one JSON object' })
    .epilogue(EXPANDED)
    .check(({ index, suite, key }) => {
      const given = [index, suite, key].filter((value) => value !== undefined).length;
      check(given === 0 || given === 3, '--index, --suite and --key go together');
      return true;
    });
}

/** Printed by --help: what trust moves, and when. */
const EXPANDED = `Expanded packages:
  A .deb must come out bit for bit, so xz runs again, which takes most of the time. An expanded
  .deb is the same with uncompressed members: quick, but its hash is in no archive's Packages. The
  index of deltas vouches for it instead, and apt gets it from a repository on this machine.
  With --expanded auto this is done where the archive's own signed Release lists the index: the
  same signature as ever. With --expanded always (or \`Allow-Expanded: yes\` in a source) whoever
  signs that index can put any content into the packages that this machine installs, as root. Do
  that only where you would let them replace your archive.`;

/** The configured settings of the system, overridden by the flags; says which of these cannot. */
export async function upgradeSettings(
  args: UpgradeArguments & { readonly swarm?: boolean | undefined },
  { root }: AptSystem,
  report: ReportProgress,
): Promise<Settings> {
  const { expanded, prefer, swarm: peers } = args;
  const { settings, refused } = await readEffectiveSettings(root, { expanded, prefer, peers });
  for (const text of refused) report({ kind: 'warning', text });
  return { ...settings, expanded: expandedPolicy(args, settings, root) };
}

/** Another system's apt cannot be pointed at files of its own from outside. */
function expandedPolicy(args: UpgradeArguments, settings: Settings, root: string): ExpandedPolicy {
  if (root === '/') return settings.expanded;
  check(args.expanded !== 'always', '--expanded always is for the running system, not for --root');
  return 'never';
}

export function upgradeRequest(args: UpgradeArguments): UpgradeRequest {
  if (args.packages !== undefined && args.packages.length > 0) {
    check(!args['full-upgrade'], 'name packages or --full-upgrade, not both');
    return { kind: 'install', packages: args.packages };
  }
  return { kind: args['full-upgrade'] ? 'full-upgrade' : 'upgrade' };
}

/** The sources from the flags, or else from the configuration below the root. */
export async function indexSources(args: UpgradeArguments): Promise<IndexSource[]> {
  const { index, suite, key, component } = args;
  if (index !== undefined && suite !== undefined && key !== undefined) {
    check(isHttpUrl(index), `--index is not an HTTP address: ${index}`);
    for (const name of suite) check(isSuite(name), `--suite cannot be ${name}`);
    for (const name of component) check(isComponent(name), `--component cannot be ${name}`);
    // Named here and now, it is a mistake of the user and not of a source among others.
    await readTrustedKey(key);
    return suite.map((name) => ({
      uri: index.replace(/\/+$/, ''),
      suite: name,
      components: component,
      architectures: [],
      signedBy: resolve(key),
      allowsExpanded: false,
    }));
  }
  return readIndexSources(resolve(args.root));
}

function check(valid: boolean, message: string): void {
  if (!valid) throw new DebshoalError('usage', message);
}
