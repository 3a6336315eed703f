import { DebshoalError } from '../errors.js';
import { LIMITS } from '../limits.js';
import { parseStanza } from './deb822.js';
import { isVersion } from './version.js';

/** What identifies a package; deb-control(5). */
export interface ControlData {
  readonly package: string;
  readonly version: string;
  readonly architecture: string;
  /** The whole control stanza, as it stands in the package. */
  readonly text: string;
}

/** Reads a package's control file; `deb-malformed` without the three identifying fields. */
export function parseControl(text: string): ControlData {
  const stanza = parseStanza(text, {
    code: 'deb-malformed',
    maxStanzaBytes: LIMITS.controlStanzaBytes,
  });
  const field = (name: string, isValid: (value: string) => boolean): string => {
    const value = stanza.get(name) ?? '';
    if (isValid(value)) return value;
    throw new DebshoalError('deb-malformed', `control file without a valid ${name}`);
  };
  return {
    package: field('Package', isPackageName),
    version: field('Version', isVersion),
    architecture: field('Architecture', isArchitecture),
    text,
  };
}

/** Policy 5.6.1. */
export function isPackageName(text: string): boolean {
  return /^[a-z0-9][a-z0-9+.-]{1,127}$/.test(text);
}

/** Policy 11.1: `amd64`, `all`, `kfreebsd-amd64`. */
export function isArchitecture(text: string): boolean {
  return /^[a-z0-9][a-z0-9-]{0,63}$/.test(text);
}
