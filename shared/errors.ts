/** Every cause of failure that a program may act on. Tests assert these codes, never texts. */
export type ErrorCode =
  // what the user typed or configured
  | 'usage'
  | 'config-invalid'
  // .deb files
  | 'deb-malformed'
  | 'deb-unreproducible'
  // deltas and their sources
  | 'delta-damaged'
  | 'delta-unsupported'
  | 'not-installed'
  | 'source-changed'
  | 'hash-mismatch'
  | 'limit-exceeded'
  // the signed index
  | 'index-malformed'
  | 'index-untrusted'
  | 'index-expired'
  | 'index-rollback'
  | 'index-mismatch'
  // archives
  | 'archive-malformed'
  // torrents
  | 'torrent-malformed'
  // network
  | 'http-failed'
  | 'swarm-failed'
  // the machine
  | 'apt-failed'
  | 'apt-busy'
  | 'disk-full'
  | 'io-failed'
  | 'tool-failed'
  | 'interrupted';

/** One exit status for each cause; `--help` prints this table. 1 is kept for bugs. */
export const EXIT_STATUS: Readonly<Record<ErrorCode, number>> = {
  usage: 2,
  'config-invalid': 2,
  'deb-malformed': 10,
  'deb-unreproducible': 11,
  'delta-damaged': 12,
  'delta-unsupported': 13,
  'not-installed': 14,
  'source-changed': 15,
  'hash-mismatch': 16,
  'limit-exceeded': 17,
  'index-malformed': 20,
  'index-untrusted': 21,
  'index-expired': 22,
  'index-rollback': 23,
  'index-mismatch': 24,
  'archive-malformed': 25,
  'torrent-malformed': 26,
  'http-failed': 30,
  'swarm-failed': 31,
  'apt-failed': 40,
  'apt-busy': 41,
  'disk-full': 50,
  'io-failed': 51,
  'tool-failed': 52,
  interrupted: 130,
};

export interface ErrorDetails {
  /** What the user can do about it, one sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** The one error class of the project. A plain `Error` that reaches the top is a bug. */
export class DebshoalError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'DebshoalError';
    this.code = code;
    this.hint = details.hint;
  }
}

/** True for a DebshoalError, with one of `codes` when any are given. */
export function isDebshoalError(
  error: unknown,
  ...codes: readonly ErrorCode[]
): error is DebshoalError {
  return error instanceof DebshoalError && (codes.length === 0 || codes.includes(error.code));
}

const ERRNO_CODES: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: 'disk-full',
  EDQUOT: 'disk-full',
};

/**
 * Gives any thrown value a code: DebshoalErrors pass, an abort becomes `interrupted`, a full disk
 * `disk-full`, other system calls `io-failed`. Anything else is a bug and returned as it is.
 */
export function withCode(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof DebshoalError) return error;
  if (error.name === 'AbortError') {
    return new DebshoalError('interrupted', 'interrupted', { cause: error });
  }
  if ('syscall' in error && 'code' in error && typeof error.code === 'string') {
    const code = ERRNO_CODES[error.code] ?? 'io-failed';
    return new DebshoalError(code, error.message, {
      cause: error,
      ...(code === 'disk-full' && { hint: 'make room and try again' }),
    });
  }
  return error;
}
