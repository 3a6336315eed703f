/**
 * The name of a package without the versions in it: the words between hyphens that begin with a
 * digit. Kernels have a new name for every ABI (`linux-image-6.12.115+deb13.1-amd64`), and what a
 * machine has of the new one is the one before. Packages of one series are alike enough for a
 * delta, no more: gcc-12 and gcc-13 are one series, too.
 */
export function seriesOf(packageName: string): string {
  return packageName
    .split('-')
    .map((word) => (/^[0-9]/.test(word) ? '#' : word))
    .join('-');
}
