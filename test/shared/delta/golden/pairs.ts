/** Pairs of fixtures/pairs whose deltas are in this folder: ELF, documents in .gz, a zip with fonts. */
export const GOLDEN_PAIRS: readonly string[] = ['ghostscript', 'fonts-opensymbol', 'openssl'];
