import { DebshoalError } from '../../shared/errors.js';

/** A message as apt and its methods exchange them; see PROTOCOL.md. */
export interface Message {
  /** Three digits. */
  readonly code: number;
  readonly text: string;
  /** By lower-case name. */
  readonly fields: ReadonlyMap<string, string>;
}

/** A message of apt's with ten hashes and long addresses is 2 KiB. */
export const MESSAGE_BYTES = 64 * 1024;
const MAX_FIELDS = 256;

const STATUS_LINE = /^([1-9][0-9]{2}) (\S[^\n]*)$/;
const FIELD_LINE = /^([A-Za-z][A-Za-z0-9-]*):[ \t]*(.*)$/;
// Tabs are the only control characters that a value may hold.
const CONTROL = /[\0-\x08\x0b-\x1f\x7f]/;

/**
 * Collects one message from a stream, which may cut it anywhere. `push` gives it once it is whole;
 * fails with `usage` for what is no message or too long. What follows the empty line is ignored.
 */
export function messageReader(): { push(bytes: Uint8Array): Message | null } {
  let chunks: Uint8Array[] = [];
  let length = 0;
  let newlines = 0;
  return {
    push(bytes) {
      for (const [i, byte] of bytes.entries()) {
        newlines = byte === 0x0a ? newlines + 1 : 0;
        if (length + i >= MESSAGE_BYTES) throw refuse('the message is too long');
        if (newlines < 2) continue;
        const whole = Buffer.concat([...chunks, bytes.subarray(0, i + 1)]);
        chunks = [];
        return parseMessage(whole);
      }
      chunks.push(bytes);
      length += bytes.length;
      return null;
    },
  };
}

/** Parses a message up to and with its empty line; fails with `usage`. */
export function parseMessage(bytes: Uint8Array): Message {
  const [first = '', ...lines] = decode(bytes).slice(0, -2).split('\n');
  const [, code, text] = STATUS_LINE.exec(first) ?? [];
  if (code === undefined || text === undefined) throw refuse('the first line is no request');
  if (lines.length > MAX_FIELDS) throw refuse('the message has too many fields');
  const fields = new Map<string, string>();
  for (const line of lines) {
    const [, name, value] = FIELD_LINE.exec(line) ?? [];
    if (name === undefined || value === undefined) throw refuse('a line is no field');
    // Whom should one believe?
    if (fields.has(name.toLowerCase())) throw refuse(`the field ${name} is there twice`);
    fields.set(name.toLowerCase(), value.trimEnd());
  }
  return { code: Number(code), text, fields };
}

/** Writes a message; what would end a line is made a space. */
export function formatMessage(
  code: number,
  text: string,
  fields: Readonly<Record<string, string | number>> = {},
): string {
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${oneLine(String(value))}`);
  return `${[`${code} ${text}`, ...lines].join('\n')}\n\n`;
}

function oneLine(text: string): string {
  return text
    .split(/[\0-\x20\x7f\u0085\u2028\u2029]+/)
    .filter((word) => word !== '')
    .join(' ');
}

function decode(bytes: Uint8Array): string {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw refuse('the message is not UTF-8');
  }
  if (CONTROL.test(text)) throw refuse('the message has control characters');
  return text;
}

function refuse(why: string): DebshoalError {
  return new DebshoalError('usage', why);
}
