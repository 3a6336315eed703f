import { readFields, type FieldParsers, type SetField } from '../../shared/config/read-fields.js';
import { DebshoalError } from '../../shared/errors.js';
import { YES_OR_NO } from './setting-codecs.js';
import { SETTING_FIELDS, SETTING_PARSERS } from './setting-fields.js';
import type { Settings } from './settings.js';

/**
 * What an organisation expects of `Mirrors-Only: yes`: this machine speaks with the servers that its
 * administrators wrote into apt's sources and ours, and with nobody else. No tracker learns what it
 * installs, no peer gives or gets anything, the local network is not asked. It downloads when
 * somebody upgrades, and not between: such networks plan their traffic. Deltas over HTTP from these
 * servers remain: they are as much the mirror's as the packages. Who may vouch for what is
 * installed is another question, and has a field of its own (`Expanded`).
 */
const MIRRORS_ONLY: Partial<Settings> = { peers: false, share: 'nobody', prefetch: false };

const PARSERS: FieldParsers<Settings> = {
  ...SETTING_PARSERS,
  'Mirrors-Only': (value, fail) => (YES_OR_NO.parse(value, fail) ? MIRRORS_ONLY : {}),
};

/**
 * Parses the policy file: fields of debshoal.conf, which nothing can override there, and
 * `Mirrors-Only`. `config-invalid` also when a field wants what `Mirrors-Only` rules out: then
 * nobody can tell which of them was meant.
 */
export function readPolicy(text: Uint8Array | string, file: string): readonly SetField<Settings>[] {
  const fields = readFields(text, file, PARSERS);
  const pinned = fields.find(({ name }) => name === 'Mirrors-Only')?.sets ?? {};
  for (const { name, line, sets } of fields) {
    const key = SETTING_FIELDS[name]?.key;
    if (key === undefined || !(key in pinned) || sets[key] === pinned[key]) continue;
    const message = `${file} line ${line}: ${name} contradicts Mirrors-Only`;
    throw new DebshoalError('config-invalid', message, { hint: 'Remove one of them.' });
  }
  return fields;
}
