import { isDebshoalError, withCode } from '../../shared/errors.js';
import { aptProxy } from '../apt/apt-proxies.js';
import { openAptSystem } from '../apt/apt-system.js';
import { readEffectiveSettings } from '../config/read-settings.js';
import { DEFAULT_SETTINGS, type Settings } from '../config/settings.js';
import { createHttpClient } from '../download/http.js';
import { checkApt } from './check-apt.js';
import { checkDaemon } from './check-daemon.js';
import { checkIndexes } from './check-indexes.js';
import { checkDisk, checkEncoders, checkSandbox } from './check-machine.js';
import { checkNetwork } from './check-network.js';
import { findingsOf, type Finding, type Findings } from './finding.js';

export interface DoctorOptions {
  /** Of the program that is installed. */
  readonly version: string;
  readonly signal: AbortSignal;
}

/** A server that says nothing for so long is not there for a person who waits. */
const STALL = 8000;

/** Looks at everything that must work together, on the running system. Changes nothing. */
export async function examine({ version, signal }: DoctorOptions): Promise<readonly Finding[]> {
  const root = '/';
  const system = await openAptSystem(root);
  const findProxy = aptProxy(system);
  const http = createHttpClient({ stallMilliseconds: STALL, findProxy });
  try {
    const { settings, found } = await examineSettings(root);
    const clock = findingsOf('clock');
    const areas = await Promise.all([
      look('apt', (area) => checkApt(system, area)),
      look('daemon', (area) => checkDaemon(root, version, area)),
      look('index', (area) => checkIndexes({ system, http, now: new Date(), signal }, area)),
      look('disk', (area) => checkDisk(root, settings.cacheBytes, area)),
      look('network', (area) => checkNetwork({ system, http, now: () => new Date() }, area, clock)),
      look('sandbox', checkSandbox),
      look('encoders', (area) => checkEncoders(root, area)),
    ]);
    signal.throwIfAborted();
    return [...found, ...areas.flat(), ...clock.all];
  } finally {
    http.close();
  }
}

/** What a check cannot find out is a problem itself, and none of the other checks'. */
async function look(
  area: string,
  check: (found: Findings) => Promise<void>,
): Promise<readonly Finding[]> {
  const found = findingsOf(area);
  try {
    await check(found);
  } catch (thrown) {
    const error = withCode(thrown);
    if (!isDebshoalError(error)) throw error;
    found.problem(
      `${error.message} [${error.code}]`,
      error.hint ?? `Mend that first: the rest of ${area} could not be looked at.`,
    );
  }
  return found.all;
}

async function examineSettings(
  root: string,
): Promise<{ settings: Settings; found: readonly Finding[] }> {
  let settings = DEFAULT_SETTINGS;
  const found = await look('settings', async (area) => {
    const effective = await readEffectiveSettings(root);
    settings = effective.settings;
    area.ok(settings.fetch ? 'without a mistake' : 'without a mistake; Fetch is no');
    for (const text of effective.refused) area.warning(text, 'Ask who wrote the policy.');
  });
  return { settings, found };
}
