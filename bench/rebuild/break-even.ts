/*
 * Bytes against seconds. A route that saves bytes and spends seconds is quicker than the full
 * download on links below a certain speed; link speeds are in Mbit/s, as they are sold.
 */

const BITS = 8;
const MEGA = 1e6;

/** Seconds until a package is there: downloaded, then rebuilt. */
export function secondsOver(linkMbit: number, bytes: number, seconds: number): number {
  return (bytes * BITS) / (linkMbit * MEGA) + seconds;
}

/**
 * The link speed at which a route takes as long as one that costs `savedBytes` more and no time.
 * 0 when it saves nothing: it is never quicker. Infinity when it takes no time: it always is.
 */
export function breakEvenMbit(savedBytes: number, seconds: number): number {
  if (savedBytes <= 0) return 0;
  return seconds <= 0 ? Infinity : (savedBytes * BITS) / (seconds * MEGA);
}
