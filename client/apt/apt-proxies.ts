import { environmentProxy, type FindProxy } from '../download/proxies.js';
import { isDebshoalError } from '../../shared/errors.js';
import { runTool } from '../../shared/io/run-tool.js';
import type { AptSystem } from './apt-system.js';

const DIRECT = 'DIRECT';
/** A program that finds proxies has so many milliseconds; apt waits for it before every connection. */
const DETECTION_TIME = 10_000;
const MAX_DETECTED = 4096;

/**
 * Finds proxies as apt does (apt-transport-http(1)): for a host what is configured for it, else what
 * `Proxy-Auto-Detect` says, else `Acquire::http::Proxy`, else the environment. https: uses its own
 * settings, and http's where it has none. The program is only run for this machine's own system. The
 * configuration is read at the first use, and remembered.
 */
export function aptProxy(system: AptSystem): FindProxy {
  let reading: Promise<FindProxy> | null = null;
  return async (url) => (await (reading ??= readProxies(system)))(url);
}

const DUMP = ['dump', '--no-empty', '--format', '%f %v%n', 'Acquire'];

async function readProxies(system: AptSystem): Promise<FindProxy> {
  const settings = parseDump(await system.run('apt-config', DUMP));
  const detected = new Map<string, Promise<string | null>>();

  const setting = (url: URL, name: string): string | undefined => {
    const schemes = url.protocol === 'https:' ? ['https', 'http'] : ['http'];
    const keys = schemes.map((scheme) => `acquire::${scheme}::${name}`.toLowerCase());
    return keys.map((key) => settings.get(key)).find((value) => value !== undefined);
  };
  const detect = (url: URL): Promise<string | null> => {
    const program = setting(url, 'proxy-auto-detect') ?? setting(url, 'proxyautodetect');
    if (program === undefined || system.root !== '/') return Promise.resolve(null);
    const found = detected.get(url.origin) ?? runDetector(program, url);
    detected.set(url.origin, found);
    return found;
  };

  return async (url) => {
    const found =
      setting(url, `proxy::${url.hostname}`) ?? (await detect(url)) ?? setting(url, 'proxy');
    if (found === undefined) return environmentProxy(url);
    return found === DIRECT ? null : found;
  };
}

/** Lines `Acquire::http::Proxy VALUE`; names are the same in capitals. */
function parseDump(dump: string): Map<string, string> {
  const settings = new Map<string, string>();
  for (const line of dump.split('\n')) {
    const [, name = '', value = ''] = /^(\S+) (.+)$/.exec(line) ?? [];
    if (value.trim() !== '') settings.set(name.toLowerCase(), value.trim());
  }
  return settings;
}

/** What it prints: a proxy, `DIRECT`, or nothing, which is no answer. */
async function runDetector(program: string, url: URL): Promise<string | null> {
  try {
    const signal = AbortSignal.timeout(DETECTION_TIME);
    const { stdout } = await runTool(program, [url.href], { maxOutput: MAX_DETECTED, signal });
    const line = stdout.toString().split('\n')[0]?.trim() ?? '';
    return line === '' ? null : line;
  } catch (error) {
    const gaveUp = error instanceof Error && error.name === 'AbortError';
    if (gaveUp || isDebshoalError(error, 'tool-failed')) return null;
    throw error;
  }
}
