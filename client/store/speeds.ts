import { join } from 'node:path';

import { z } from 'zod';

import type { DebForm } from '../../shared/deb/deb-forms.js';
import type { Work } from '../../shared/index/deltas-index.js';
import { writeFileAtomically } from '../../shared/io/files.js';
import { median } from '../../shared/median.js';
import { readKept } from './read-kept.js';

/** How fast this machine is, as far as it has been seen. */
export interface Speeds {
  /** Bytes a second, of mirror and peers together. */
  readonly link: number;
  /** Seconds that it takes for a second of the reference machine (`Work`). */
  readonly decode: Readonly<Record<DebForm, number>>;
  readonly compress: number;
}

/** One rebuild that came out right; wall-clock seconds. */
export interface ObservedRebuild {
  readonly form: DebForm;
  readonly work: Work;
  /** Of total. */
  readonly predicted: number;
  readonly total: number;
  /** Of these, what the encoders took beyond the rest; 0 for the expanded form. */
  readonly compress: number;
}

/**
 * Speeds of this machine, kept between runs. Only what ended well may be told: a failed rebuild
 * stopped somewhere, and a bad delta of a stranger must not change what is thought of the others.
 */
export interface SpeedStore {
  readonly speeds: Speeds;
  /** Median of |predicted - real| / real over the last rebuilds; null before the first. */
  readonly medianError: number | null;
  observeLink(bytes: number, seconds: number): void;
  observeRebuild(rebuild: ObservedRebuild): void;
  /** `xzBytesPerSecond` of the proof that encoders are right (prove-encoders.ts); until packages tell. */
  calibrate(bytesPerSecond: number): void;
  save(): Promise<void>;
}

/**
 * Half of what the median of measured Internet access gives, and a processor half as fast as the
 * reference machine: so that the first prediction errs towards doing too little.
 */
const FIRST: Record<Name, number> = { link: 3e6, exact: 2, expanded: 2, compress: 2 };

/** What the proof of the encoders tells on the reference machine: FORMAT.md of the index. */
const REFERENCE_COMPRESSION = 5.3e6;

/** The share of a new observation, as soon as it is less than that of a plain average. */
const NEWEST = 0.2;
/** What the assumptions count beside observations. */
const ASSUMED = 0.05;
/** What takes less is mostly start-up and clock; it counts by the part that it has of this more. */
const SHORT_SECONDS = 0.05;
const FEW_BYTES = 256 * 1024;
/** A machine that slept, or a bad clock: no observation tells more than such a factor. */
const MOST = 8;
/** Of errors. */
const KEPT = 20;

type Name = 'link' | DebForm | 'compress';

/** Bytes a second between a modem and memory; factors of machines that could run this at all. */
const BOUNDS: Record<Name, readonly [least: number, most: number]> = {
  link: [100, 1e10],
  exact: [0.05, 100],
  expanded: [0.05, 100],
  compress: [0.05, 100],
};

/** A running average of logarithms, for speeds are wrong by factors. */
const average = (name: Name) =>
  z.strictObject({
    value: z.number().min(BOUNDS[name][0]).max(BOUNDS[name][1]),
    /** Of the observations, at most `1 / NEWEST`. */
    weight: z
      .number()
      .min(0)
      .max(1 / NEWEST),
  });

const schema = z.strictObject({
  format: z.literal(1),
  link: average('link'),
  exact: average('exact'),
  expanded: average('expanded'),
  compress: average('compress'),
  errors: z.array(z.number().min(0).max(1e6)).max(KEPT),
});

type Kept = z.infer<typeof schema>;

/** Opens what was learned in `stateFolder`; lost or damaged, it is learned again. */
export async function openSpeedStore(
  stateFolder: string,
  mode: 'read-only' | 'read-write',
): Promise<SpeedStore> {
  const path = join(stateFolder, 'speeds.json');
  const kept = (await readKept(path, schema)) ?? assumed();
  let changed = false;
  const learn = (name: Name, seen: number, share: number): void => {
    if (!(seen > 0) || !Number.isFinite(seen) || !(share > 0)) return;
    kept[name] = mix(name, kept[name], seen, Math.min(1, share));
    // The other form decodes the same: better than nothing until it was seen itself.
    if (name === 'exact' && kept.expanded.weight === 0) kept.expanded.value = kept.exact.value;
    if (name === 'expanded' && kept.exact.weight === 0) kept.exact.value = kept.expanded.value;
    changed = true;
  };
  const speeds = (): Speeds => {
    const { link, exact, expanded, compress } = kept;
    const decode = { exact: exact.value, expanded: expanded.value };
    return { link: link.value, decode, compress: compress.value };
  };
  return {
    get speeds() {
      return speeds();
    },
    get medianError() {
      return median(kept.errors);
    },
    observeLink(bytes, seconds) {
      learn('link', bytes / seconds, bytes / (bytes + FEW_BYTES));
    },
    observeRebuild({ form, work, predicted, total, compress }) {
      if (!(compress >= 0 && compress < total)) return;
      const error = Math.abs(predicted - total) / total;
      if (Number.isFinite(error)) kept.errors = [...kept.errors, Math.min(error, 1e6)].slice(-KEPT);
      const decode = total - compress;
      learn(form, (decode * 1000) / work.decode, decode / (decode + SHORT_SECONDS));
      if (form === 'expanded') return;
      const share = compress / (compress + SHORT_SECONDS);
      learn('compress', (compress * 1000) / work.compress, share);
    },
    calibrate(bytesPerSecond) {
      if (kept.compress.weight === 0) learn('compress', REFERENCE_COMPRESSION / bytesPerSecond, 1);
    },
    async save() {
      if (changed && mode === 'read-write') await writeFileAtomically(path, JSON.stringify(kept));
      changed = false;
    },
  };
}

/** Wall-clock seconds that a rebuild takes on one core. */
export function rebuildSeconds(speeds: Speeds, work: Work, form: DebForm): number {
  const compress = form === 'exact' ? work.compress * speeds.compress : 0;
  return (work.decode * speeds.decode[form] + compress) / 1000;
}

function mix(name: Name, { value, weight }: Kept[Name], seen: number, share: number): Kept[Name] {
  const factor = Math.min(MOST, Math.max(1 / MOST, seen / value));
  const step = Math.max(NEWEST * share, share / (ASSUMED + weight + share));
  const [least, most] = BOUNDS[name];
  // What was only assumed may be wrong by any factor.
  const mixed = value * (weight === 0 ? seen / value : factor) ** step;
  return {
    value: Math.min(most, Math.max(least, mixed)),
    weight: Math.min(1 / NEWEST, weight + share),
  };
}

function assumed(): Kept {
  const first = (name: Name): Kept[Name] => ({ value: FIRST[name], weight: 0 });
  return {
    format: 1,
    link: first('link'),
    exact: first('exact'),
    expanded: first('expanded'),
    compress: first('compress'),
    errors: [],
  };
}
