import { fileURLToPath } from 'node:url';

/** The shipped pairs, NAME/{old,new}.deb; seen from dist/bench/. */
export const FIXTURE_PAIRS_FOLDER = fileURLToPath(new URL('../../fixtures/pairs', import.meta.url));
