/** Versions of Debian packages: Debian Policy 5.6.12, ordered by the algorithm of dpkg. */

/** Longer than any version of Debian (52 characters), and still two fit into a file name. */
const VERSION_LENGTH = 128;

// The first colon ends the epoch, so a colon further on needs one; the last hyphen begins the
// revision, so a version never ends in a hyphen. No two parts can match the same character twice:
// no backtracking worth the name.
const VERSION_PATTERN = /^(?:[0-9]{1,9}:[0-9][A-Za-z0-9.+~:-]*|[0-9][A-Za-z0-9.+~-]*)$/;

/** True for text that dpkg accepts as a version without a warning. */
export function isVersion(text: string): boolean {
  if (text.length > VERSION_LENGTH || !VERSION_PATTERN.test(text)) return false;
  // A revision may contain no colon; one after the last hyphen would be there.
  return !text.endsWith('-') && text.lastIndexOf(':') <= hyphenOrEnd(text);
}

/**
 * The order of `dpkg --compare-versions`: -1 when `a` is the older one, 1 when it is the newer one,
 * 0 when both mean the same (`1.0` and `1.00`). Only meaningful where isVersion() holds.
 */
export function compareVersions(a: string, b: string): -1 | 0 | 1 {
  const left = splitVersion(a);
  const right = splitVersion(b);
  return sign(
    left.epoch - right.epoch ||
      comparePart(left.upstream, right.upstream) ||
      comparePart(left.revision, right.revision),
  );
}

function splitVersion(version: string): { epoch: number; upstream: string; revision: string } {
  const colon = version.indexOf(':');
  const hyphen = hyphenOrEnd(version);
  return {
    epoch: colon < 0 ? 0 : Number(version.slice(0, colon)),
    upstream: version.slice(colon + 1, hyphen),
    // No revision is the same as revision "0": comparePart takes an end for a zero.
    revision: version.slice(hyphen + 1),
  };
}

function hyphenOrEnd(version: string): number {
  const hyphen = version.lastIndexOf('-');
  return hyphen < 0 ? version.length : hyphen;
}

/** Runs of non-digits and of digits in turn, as Policy says; dpkg calls it verrevcmp(). */
function comparePart(a: string, b: string): number {
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    while ((i < a.length && !isDigit(a, i)) || (j < b.length && !isDigit(b, j))) {
      const difference = weight(a, i++) - weight(b, j++);
      if (difference !== 0) return difference;
    }
    while (a[i] === '0') i++;
    while (b[j] === '0') j++;
    // Numbers of any length: the longer one is larger, else the first differing digit decides.
    let firstDifference = 0;
    while (isDigit(a, i) && isDigit(b, j)) {
      firstDifference ||= a.charCodeAt(i) - b.charCodeAt(j);
      i++;
      j++;
    }
    if (isDigit(a, i)) return 1;
    if (isDigit(b, j)) return -1;
    if (firstDifference !== 0) return firstDifference;
  }
  return 0;
}

/** `~` sorts before the end of the part, the end before letters, letters before the rest. */
function weight(text: string, index: number): number {
  if (index >= text.length || isDigit(text, index)) return 0;
  if (text[index] === '~') return -1;
  const code = text.charCodeAt(index);
  return /[A-Za-z]/.test(text.charAt(index)) ? code : code + 256;
}

function isDigit(text: string, index: number): boolean {
  const code = text.charCodeAt(index);
  return code >= 48 && code <= 57;
}

function sign(difference: number): -1 | 0 | 1 {
  return difference < 0 ? -1 : difference > 0 ? 1 : 0;
}
