import type { Fail, FieldParsers } from '../../shared/config/read-fields.js';
import { PREFERENCES } from '../predict/choose-set.js';
import { EXPANDED_POLICIES } from '../steps/find-expandable.js';
import {
  ABSOLUTE_PATH,
  ADDRESSES,
  BYTES,
  BYTES_PER_SECOND,
  choice,
  decimal,
  HOURS,
  optional,
  whole,
  YES_OR_NO,
  type Codec,
} from './setting-codecs.js';
import { SANDBOX_POLICIES, SHARE_SCOPES, type Settings } from './settings.js';

/** One setting as people write it. */
export interface SettingField {
  readonly key: keyof Settings;
  readonly parse: (text: string, fail: Fail) => Partial<Settings>;
  readonly format: (settings: Settings) => string;
}

function field<Key extends keyof Settings>(key: Key, codec: Codec<Settings[Key]>): SettingField {
  return {
    key,
    parse: (text, fail) => ({ [key]: codec.parse(text, fail) }),
    format: (settings) => codec.format(settings[key]),
  };
}

/** What each setting is called in debshoal.conf, in the order in which people read it. */
export const SETTING_FIELDS: Readonly<Record<string, SettingField>> = {
  Fetch: field('fetch', YES_OR_NO),
  Prefer: field('prefer', choice(PREFERENCES)),
  Expanded: field('expanded', choice(EXPANDED_POLICIES)),
  Sandbox: field('sandbox', choice(SANDBOX_POLICIES)),
  Peers: field('peers', YES_OR_NO),
  Prefetch: field('prefetch', YES_OR_NO),
  'On-Metered': field('onMetered', YES_OR_NO),
  'On-Battery': field('onBattery', YES_OR_NO),
  // An hour: nobody waits longer for one package, and apt shows nothing meanwhile.
  Patience: field('patienceSeconds', whole(1, 3600)),
  'Cache-Size': field('cacheBytes', BYTES),
  Share: field('share', choice(SHARE_SCOPES)),
  'Group-Key': field('groupKey', optional(ABSOLUTE_PATH)),
  Port: field('port', whole(0, 65_534)),
  'Upload-Rate': field('uploadBytesPerSecond', optional(BYTES_PER_SECOND)),
  'Download-Rate': field('downloadBytesPerSecond', optional(BYTES_PER_SECOND)),
  'Upload-Monthly': field('uploadMonthlyBytes', optional(BYTES)),
  'Seed-Ratio': field('seedRatio', decimal(0, 1000)),
  'Upload-Per-Release': field('uploadPerReleaseBytes', optional(BYTES)),
  'Share-Hours': field('shareHours', optional(HOURS)),
  Blocklist: field('blocklist', ADDRESSES),
};

/** For the reader of files. */
export const SETTING_PARSERS: FieldParsers<Settings> = Object.fromEntries(
  Object.entries(SETTING_FIELDS).map(([name, { parse }]) => [name, parse]),
);
