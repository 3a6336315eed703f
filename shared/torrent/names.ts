/** File systems end here; a longer name cannot be stored. */
const MAX_NAME_BYTES = 255;
const MAX_PATH_BYTES = 1024;

/**
 * What is wrong with a relative path of a torrent, or null. A path from a torrent meets the disk of
 * whoever seeds it, so it must stay below its folder and mean the same everywhere.
 */
export function pathProblem(path: string): string | null {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) return 'a path over 1024 bytes';
  for (const part of path.split('/')) {
    if (part === '' || part === '.' || part === '..') return `a path part "${part}"`;
    if (Buffer.byteLength(part) > MAX_NAME_BYTES) return 'a name over 255 bytes';
    // Control characters end C strings (NUL) and forge terminal output; a backslash separates paths
    // for other clients.
    if (/[\u0000-\u001f\u007f\\]/.test(part)) return 'a control character or backslash in a name';
  }
  return null;
}
