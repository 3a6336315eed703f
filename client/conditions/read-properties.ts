import { isDebshoalError } from '../../shared/errors.js';
import { runTool } from '../../shared/io/run-tool.js';

export interface BusOptions {
  /** D-Bus address; default the system bus. */
  readonly bus?: string;
}

export interface PropertyNames {
  readonly service: string;
  readonly object: string;
  readonly interface: string;
  readonly names: readonly string[];
}

const TIMEOUT_SECONDS = 5;
const MAX_OUTPUT = 16 * 1024;

/**
 * Reads properties of a D-Bus service with busctl, which every machine with systemd has. Never
 * starts a service. Values come in the order of the names; undefined ones are not known, because
 * bus, service, or busctl are not there.
 */
export async function readProperties(
  { service, object, interface: face, names }: PropertyNames,
  options: BusOptions,
): Promise<readonly unknown[]> {
  const args = [
    options.bus === undefined ? '--system' : `--address=${options.bus}`,
    '--json=short',
    '--auto-start=no',
    `--timeout=${TIMEOUT_SECONDS}`,
    'get-property',
    ...[service, object, face, ...names],
  ];
  try {
    const { stdout } = await runTool('busctl', args, { maxOutput: MAX_OUTPUT });
    return stdout.toString('utf8').trim().split('\n').map(valueOf);
  } catch (error) {
    if (!isDebshoalError(error, 'tool-failed')) throw error;
    return [];
  }
}

/** One property is `{"type":"b","data":true}`. */
function valueOf(line: string): unknown {
  try {
    return (JSON.parse(line) as { data?: unknown } | null)?.data;
  } catch {
    return undefined;
  }
}
