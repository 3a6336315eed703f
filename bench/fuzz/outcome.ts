import { isDebshoalError, withCode, type ErrorCode } from '../../shared/errors.js';

/**
 * How a rebuild from a mutant may end. One byte each in a worker's log, so that the order is a
 * format: `exact`, then errors that a delta may cause, then what is a finding.
 */
export const OUTCOMES = [
  'exact',
  'delta-damaged',
  'delta-unsupported',
  'limit-exceeded',
  'not-installed',
  'source-changed',
  'hash-mismatch',
  // The rest must not happen.
  'wrong-bytes',
  'other-code',
  'not-our-error',
  'left-behind',
] as const;

export type Outcome = (typeof OUTCOMES)[number];

const REFUSALS: readonly ErrorCode[] = [
  'delta-damaged',
  'delta-unsupported',
  'limit-exceeded',
  'not-installed',
  'source-changed',
  'hash-mismatch',
];

/** A finding is an outcome that no delta may cause. */
export function isFinding(outcome: Outcome): boolean {
  return OUTCOMES.indexOf(outcome) >= OUTCOMES.indexOf('wrong-bytes');
}

/** What the error of a rebuild says about it. */
export function outcomeOf(thrown: unknown): { outcome: Outcome; detail: string } {
  const error = withCode(thrown);
  if (isDebshoalError(error)) {
    const { code, message } = error;
    const refusal = REFUSALS.find((known) => known === code) as Outcome | undefined;
    return { outcome: refusal ?? 'other-code', detail: `${code}: ${message}` };
  }
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { outcome: 'not-our-error', detail };
}
