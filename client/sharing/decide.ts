import type { Conditions } from '../conditions/conditions.js';
import type { Settings } from '../config/settings.js';
import type { UploadAllowance } from '../../shared/swarm/swarm.js';
import type { SharedTorrent } from './ledger.js';

/** Why nothing is uploaded at the moment; null while something may be. */
export type SharingPause = 'nobody' | 'metered' | 'battery' | 'hours' | null;

/** Why nothing goes beyond the own networks although the scope allows it; null: it does. */
export type LocalReason = 'vpn' | 'quota' | null;

export interface Decision {
  readonly paused: SharingPause;
  readonly local: LocalReason;
  readonly allowance: UploadAllowance;
  /** True for a torrent that only the own networks get, however much beyond is allowed. */
  readonly localOnly: (torrent: SharedTorrent) => boolean;
}

interface Uploaded {
  readonly beyond: number;
  readonly suites: Readonly<Record<string, number>>;
}

/** What may be uploaded now. Pure. Limits count what leaves the own networks; those are free. */
export function decide(
  settings: Settings,
  conditions: Conditions,
  uploaded: Uploaded,
  now: Date,
): Decision {
  const paused = pauseOf(settings, conditions, now);
  const { share, uploadMonthlyBytes, uploadPerReleaseBytes, seedRatio } = settings;
  const left = uploadMonthlyBytes === null ? null : uploadMonthlyBytes - uploaded.beyond;
  const local: LocalReason = conditions.vpn ? 'vpn' : left !== null && left <= 0 ? 'quota' : null;
  const beyond = paused === null && local === null && (share === 'group' || share === 'internet');
  return {
    paused,
    local: share === 'lan' || share === 'nobody' ? null : local,
    allowance: { local: paused === null, beyondBytes: beyond ? left : 0 },
    localOnly: (torrent) => {
      const sent = uploaded.suites[torrent.suite] ?? 0;
      const size = Object.values(torrent.files).reduce((sum, file) => sum + file.size, 0);
      const suiteUsed = uploadPerReleaseBytes !== null && sent >= uploadPerReleaseBytes;
      // While it is still downloaded, its size is not known here.
      const ratioReached = size > 0 && torrent.beyond >= seedRatio * size;
      return !beyond || suiteUsed || ratioReached;
    },
  };
}

function pauseOf(settings: Settings, conditions: Conditions, now: Date): SharingPause {
  if (settings.share === 'nobody') return 'nobody';
  if (conditions.metered && !settings.onMetered) return 'metered';
  if (conditions.battery && !settings.onBattery) return 'battery';
  return isWithin(settings.shareHours, now) ? null : 'hours';
}

/** `from` after `to` means over midnight; both the same, always. */
function isWithin(hours: Settings['shareHours'], now: Date): boolean {
  if (hours === null || hours.from === hours.to) return true;
  const minute = now.getHours() * 60 + now.getMinutes();
  const { from, to } = hours;
  return from < to ? minute >= from && minute < to : minute >= from || minute < to;
}
