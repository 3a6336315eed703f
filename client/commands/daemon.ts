import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import type { Argv, CommandModule } from 'yargs';

import { makeReporter } from '../../shared/cli/reporter.js';
import { interruptSignal, readVersion } from '../../shared/cli/run-cli.js';
import { DebshoalError, withCode } from '../../shared/errors.js';
import { withFileLock } from '../../shared/io/file-lock.js';
import { openAptSystem } from '../apt/apt-system.js';
import { openConditions } from '../conditions/conditions.js';
import { readEffectiveSettings } from '../config/read-settings.js';
import type { Settings } from '../config/settings.js';
import { PREFERENCES, type Preference } from '../predict/choose-set.js';
import { runService } from '../service/service.js';
import { CACHE_FOLDER, DAEMON_FOLDER, STATE_FOLDER } from '../store/folders.js';

interface DaemonArguments {
  root: string;
  socket: string;
  prefer: Preference | undefined;
  swarm: boolean | undefined;
  prefetch: boolean | undefined;
  peer: string[] | undefined;
}

/** Milliseconds; a service manager waits a little longer. */
const STOP_TIME = 4000;

export const daemonCommand: CommandModule<object, DaemonArguments> = {
  command: 'daemon',
  describe: 'Answer apt’s downloads from deltas, and bring what is pending in the background',
  builder: (yargs: Argv) =>
    yargs
      .option('root', { type: 'string', default: '/', describe: 'system to serve, e.g. a chroot' })
      .option('socket', {
        type: 'string',
        default: '/run/debshoal/socket',
        describe: 'where to listen; a socket that systemd hands over is used instead',
      })
      .option('prefer', {
        choices: PREFERENCES,
        describe: 'fewest bytes, or least time; instead of the setting',
      })
      .option('swarm', {
        type: 'boolean',
        describe: 'fetch from BitTorrent peers too; --no-swarm for HTTP alone',
      })
      .option('prefetch', {
        type: 'boolean',
        describe: 'bring what is pending before apt asks; --no-prefetch to wait until it does',
      })
      .option('peer', {
        type: 'string',
        array: true,
        describe: 'a known peer, ADDRESS:PORT, besides those that the trackers name',
      })
      .epilogue(
        'An ordinary user is enough. SIGTERM ends it; after SIGHUP it reads its settings again, and ' +
          'keeps the old ones when there is a mistake in them.',
      ),
  async handler(args) {
    let reload = (): void => undefined;
    // Before it can come: it would end us.
    process.on('SIGHUP', () => {
      reload();
    });
    const { report } = makeReporter();
    const signal = interruptSignal(['SIGINT', 'SIGTERM']);
    signal.addEventListener('abort', () => {
      // What is still under way then is of use to nobody.
      setTimeout(() => process.exit(), STOP_TIME).unref();
    });
    const system = await openAptSystem(args.root);
    const { prefer, swarm: peers, prefetch } = args;
    const overrides = { prefer, peers, prefetch };
    const readSettings = async (): Promise<Settings> => {
      const { settings, refused } = await readEffectiveSettings(system.root, overrides);
      for (const text of refused) report({ kind: 'warning', text });
      return settings;
    };
    const settings = await readSettings();
    const conditions = await openConditions();
    const stateFolder = await writableFolder(join(system.root, STATE_FOLDER, DAEMON_FOLDER));
    const cacheFolder = await writableFolder(join(system.root, CACHE_FOLDER, DAEMON_FOLDER));
    const inherited = inheritedSocket();
    await withFileLock(join(cacheFolder, 'lock'), () =>
      runService({
        system,
        settings,
        readSettings,
        onReload: (listener) => (reload = listener),
        socket: inherited ?? args.socket,
        readyFile: join(dirname(args.socket), 'ok'),
        stateFolder,
        cacheFolder,
        peers: args.peer ?? [],
        conditions,
        version: readVersion(),
        signal,
        report,
      }),
    );
  },
};

async function writableFolder(folder: string): Promise<string> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const error = withCode(cause);
    if (!(error instanceof DebshoalError)) throw error;
    throw new DebshoalError(error.code, `cannot make ${folder}`, {
      cause,
      hint: 'the service’s unit makes it; or start this as the user whom it belongs to',
    });
  }
  return folder;
}

/** The descriptor that systemd listens on for us, if it does (sd_listen_fds(3)). */
function inheritedSocket(): number | null {
  const { LISTEN_PID: pid, LISTEN_FDS: count } = process.env;
  return pid === String(process.pid) && count === '1' ? 3 : null;
}
