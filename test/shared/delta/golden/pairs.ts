/** Pairs of fixtures/pairs whose deltas are in this folder: every method, with and without a .gz around it. */
export const GOLDEN_PAIRS: readonly string[] = ['ghostscript', 'fonts-opensymbol', 'openssl'];
