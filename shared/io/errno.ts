/** True for the error of a system call that failed with one of `codes` (errno(3) names). */
export function isErrno(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}

/** True when a system call failed because nothing is at that path (or a parent is no folder). */
export function isMissing(error: unknown): boolean {
  return isErrno(error, 'ENOENT', 'ENOTDIR');
}
