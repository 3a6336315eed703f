/**
 * Stretches of new bytes that resemble stretches of old ones, in order of `newAt`, not overlapping;
 * what none covers is new. The three columns have the same length.
 */
export interface Matches {
  readonly newAt: Uint32Array;
  readonly oldAt: Uint32Array;
  readonly length: Uint32Array;
}
