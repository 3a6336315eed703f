import { createReadStream } from 'node:fs';

import { DebshoalError } from '../../shared/errors.js';
import { LIMITS } from '../../shared/limits.js';

/** One stanza of dpkg's status file: values as written, continuation lines included. */
export type StatusStanza = ReadonlyMap<string, string>;

/**
 * The stanzas of ROOT/var/lib/dpkg/status, one at a time with bounded memory. Field names are
 * lower case. Fails with `limit-exceeded` for an oversized stanza or file.
 */
export async function* readStatus(path: string): AsyncGenerator<StatusStanza> {
  let pending = '';
  let total = 0;
  // latin1: a chunk may end inside a character; values that matter are ASCII or decoded later.
  for await (const chunk of createReadStream(path, { encoding: 'latin1' })) {
    const text = chunk as string;
    total += text.length;
    if (total > LIMITS.dpkgStatusBytes) throw tooLarge(path, LIMITS.dpkgStatusBytes);
    const stanzas = (pending + text).split(/\n\n+/);
    pending = stanzas.pop() ?? '';
    if (pending.length > LIMITS.controlStanzaBytes) {
      throw tooLarge(`a stanza of ${path}`, LIMITS.controlStanzaBytes);
    }
    for (const stanza of stanzas) if (stanza.trim() !== '') yield parseStanza(stanza);
  }
  if (pending.trim() !== '') yield parseStanza(pending);
}

function tooLarge(what: string, limit: number): DebshoalError {
  return new DebshoalError('limit-exceeded', `${what} is over ${limit} bytes`);
}

function parseStanza(stanza: string): StatusStanza {
  const fields = new Map<string, string>();
  let name = '';
  for (const line of stanza.split('\n')) {
    if (/^[ \t]/.test(line)) {
      fields.set(name, `${fields.get(name) ?? ''}\n${line}`);
    } else {
      const colon = line.indexOf(':');
      name = line.slice(0, Math.max(colon, 0)).toLowerCase();
      fields.set(name, line.slice(colon + 1).trim());
    }
  }
  return fields;
}
