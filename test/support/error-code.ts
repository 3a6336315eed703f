import { isDebshoalError, type ErrorCode } from '../../shared/errors.js';

/** The code that `action` fails with, or `none`. Anything but a DebshoalError is a bug: it passes. */
export async function errorCode(
  action: Promise<unknown> | (() => unknown),
): Promise<ErrorCode | 'none'> {
  try {
    await (typeof action === 'function' ? action() : action);
    return 'none';
  } catch (error) {
    if (isDebshoalError(error)) return error.code;
    throw error;
  }
}

/** The same of an action that does not wait. */
export function thrownCode(action: () => unknown): ErrorCode | 'none' {
  try {
    action();
    return 'none';
  } catch (error) {
    if (isDebshoalError(error)) return error.code;
    throw error;
  }
}
