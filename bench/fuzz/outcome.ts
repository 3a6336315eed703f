import { isDebshoalError, withCode, type ErrorCode } from '../../shared/errors.js';

/** The errors that a delta may cause. */
export const REFUSALS = [
  'delta-damaged',
  'delta-unsupported',
  'limit-exceeded',
  'not-installed',
  'source-changed',
  'hash-mismatch',
  'deb-unreproducible',
] as const satisfies readonly ErrorCode[];

/**
 * How a rebuild from a mutant may end. One byte each in a worker's log, so that the order is a
 * format: `exact`, then refusals, then what is a finding.
 */
export const OUTCOMES = [
  'exact',
  ...REFUSALS,
  // The rest must not happen.
  'wrong-bytes',
  'other-code',
  'not-our-error',
  'left-behind',
] as const;

export type Outcome = (typeof OUTCOMES)[number];

/** A finding is an outcome that no delta may cause. */
export function isFinding(outcome: Outcome): boolean {
  return OUTCOMES.indexOf(outcome) >= OUTCOMES.indexOf('wrong-bytes');
}

/** What the error of a rebuild says about it. */
export function outcomeOf(thrown: unknown): { outcome: Outcome; detail: string } {
  const error = withCode(thrown);
  if (isDebshoalError(error)) {
    const { code, message } = error;
    const refusal = REFUSALS.find((known) => known === code);
    return { outcome: refusal ?? 'other-code', detail: `${code}: ${message}` };
  }
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { outcome: 'not-our-error', detail };
}
