const LONG_RUN = 256 * 1024;

/**
 * Where both sides have a long run of one byte, bsdiff compares all of it at each of its places:
 * minutes for 2 MB of zeros, days for the largest files.
 */
export function shareLongRun(base: Buffer, content: Buffer): boolean {
  const runs = longRuns(base);
  return runs.size > 0 && [...longRuns(content)].some((byte) => runs.has(byte));
}

/** The bytes that occur 2 × LONG_RUN times in a row, and some of those with fewer. */
function longRuns(bytes: Buffer): Set<number> {
  const found = new Set<number>();
  for (let start = 0; start + LONG_RUN <= bytes.length;) {
    const byte = bytes[start] ?? 0;
    let end = start + LONG_RUN;
    // From the back: most windows end at the first look.
    while (end > start && bytes[end - 1] === byte) end--;
    if (end > start) {
      start = end;
      continue;
    }
    found.add(byte);
    start += LONG_RUN;
  }
  return found;
}
