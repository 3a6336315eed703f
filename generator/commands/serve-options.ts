import { DebshoalError } from '../../shared/errors.js';
import { SERVED_PARTS, type ServedPart } from '../serve/serve.js';

/** Which part each option is for; those without one are for all. */
const PART_OF: Readonly<Record<string, ServedPart>> = {
  'http-port': 'files',
  'http-rate': 'files',
  'tracker-port': 'tracker',
  'swarm-port': 'seeder',
  'upload-rate': 'seeder',
  announce: 'seeder',
};

/** `files,seeder`; fails with `usage`. */
export function parseParts(text: string): ServedPart[] {
  const names = text.split(',').map((name) => name.trim());
  for (const name of names) {
    if (SERVED_PARTS.some((part) => part === name)) continue;
    throw new DebshoalError('usage', `--only does not know "${name}"`, {
      hint: `it takes some of ${SERVED_PARTS.join(',')}`,
    });
  }
  return SERVED_PARTS.filter((part) => names.includes(part));
}

/** `given` are the options that were given; fails with `usage` for one of a part that is left out. */
export function refuseUseless(given: readonly string[], parts: readonly ServedPart[]): void {
  for (const name of given) {
    const part = PART_OF[name];
    if (part === undefined || parts.includes(part)) continue;
    throw new DebshoalError('usage', `--${name} is for the ${part}, and --only leaves that out`, {
      hint: `remove --${name}, or add ${part} to --only`,
    });
  }
}

/** `PORT` on loopback, `ADDRESS:PORT` or `[ADDRESS]:PORT`; fails with `usage`. */
export function parseMetricsAddress(text: string): { host: string; port: number } {
  const match = /^(?:(?:\[([0-9a-f:.]+)\]|([^:[\]]+)):)?(\d{1,5})$/i.exec(text);
  const port = Number(match?.[3] ?? NaN);
  if (match === null || port > 65_535) {
    throw new DebshoalError('usage', `--metrics: "${text}" is no address and port`, {
      hint: 'for example 9150, or 192.0.2.1:9150, or [2001:db8::1]:9150',
    });
  }
  return { host: match[1] ?? match[2] ?? '127.0.0.1', port };
}
