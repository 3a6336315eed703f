import { DebshoalError, isDebshoalError, withCode, type ErrorCode } from '../errors.js';

/** Errors lose their class between processes, so that they travel as data; without a code: a bug. */
export type Outcome<R> =
  | { readonly ok: true; readonly value: R }
  | {
      readonly ok: false;
      readonly code: ErrorCode | null;
      readonly message: string;
      readonly hint?: string | undefined;
    };

/** What came of `work`, for another process. */
export async function attempt<R>(work: () => Promise<R>): Promise<Outcome<R>> {
  try {
    return { ok: true, value: await work() };
  } catch (thrown) {
    const error = withCode(thrown);
    if (isDebshoalError(error)) {
      const { code, message, hint } = error;
      return { ok: false, code, message, hint };
    }
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { ok: false, code: null, message, hint: undefined };
  }
}

/** The value of an outcome from another process; fails as the work there did. */
export function valueOf<R>(outcome: Outcome<R>): R {
  if (outcome.ok) return outcome.value;
  const { code, message, hint } = outcome;
  if (code === null) throw new Error(message);
  throw new DebshoalError(code, message, hint === undefined ? {} : { hint });
}
