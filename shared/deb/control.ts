import { DebshoalError } from '../errors.js';

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
  const field = (name: string): string => {
    const value = new RegExp(`^${name}:[ \\t]*(\\S+)[ \\t]*$`, 'm').exec(text)?.[1];
    if (value === undefined) {
      throw new DebshoalError('deb-malformed', `control file without a valid ${name}`);
    }
    return value;
  };
  return {
    package: field('Package'),
    version: field('Version'),
    architecture: field('Architecture'),
    text,
  };
}
