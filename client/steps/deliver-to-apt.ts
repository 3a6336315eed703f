import { DebshoalError, isDebshoalError, type ErrorCode } from '../../shared/errors.js';
import type { FileIdentity } from '../../shared/delta/delta.js';
import type { ReportProgress } from '../../shared/progress.js';
import type { AptSystem } from '../apt/apt-system.js';
import { handOver, refuseWhileAptIsBusy } from '../apt/hand-over.js';
import { listForApt, type ExpandedDeb } from '../apt/local-repository/local-repository.js';
import type { UpgradeRequest } from '../apt/pending-upgrades.js';
import type { ActiveRoute } from './choose-route.js';
import type { PackageReport } from './report-fetch.js';

/** A verified .deb. */
interface FinishedDeb {
  readonly route: ActiveRoute;
  /** What it was made from in the end. */
  readonly by: 'delta' | 'full';
  readonly deb: FileIdentity;
  readonly path: string;
  /** To be told when it is delivered, or cannot be. */
  readonly entry: PackageReport;
}

/** Where verified .debs go. */
export interface Delivery {
  /** Fails when nothing could be delivered now, before work is spent on it. */
  prepare(): Promise<void>;
  /** Takes a .deb, whose file is gone afterwards. */
  take(finished: FinishedDeb): Promise<void>;
  /** Everything has been taken. */
  finish(): Promise<void>;
}

/** Not apt at work, a full disk, Ctrl-C, a bug: then the next package would fare no better. */
export function isOfOnePackage(error: unknown): error is DebshoalError {
  return isDebshoalError(error) && !FATAL.includes(error.code);
}

const FATAL: readonly ErrorCode[] = ['interrupted', 'apt-busy', 'disk-full'];

/**
 * Hands exact .debs to apt as they come, and expanded ones all at once, in our own repository.
 * `request` and `now` are those of the plan: apt is asked again whether it takes expanded packages.
 */
export function deliverToApt(
  system: AptSystem,
  request: UpgradeRequest,
  now: Date,
  report: ReportProgress,
): Delivery {
  const expanded: (ExpandedDeb & { readonly entry: PackageReport })[] = [];
  return {
    prepare: () => refuseWhileAptIsBusy(system),
    async take({ route, by, deb, path, entry }) {
      const { pending } = route;
      if (by === 'delta' && route.kind === 'delta' && route.form === 'expanded') {
        expanded.push({ pending, origins: route.origins, expanded: deb, path, entry });
        return;
      }
      await handOver(system, pending.archiveName, path);
      entry.handedOver(by);
    },
    async finish() {
      if (expanded.length === 0) return;
      // Those that apt would not take from us are left to apt: their archive has them whole.
      const leave = (error: DebshoalError, { pending, entry }: (typeof expanded)[number]): void => {
        entry.failed(error);
        const text = `${pending.package}: ${error.message} [${error.code}]`;
        report({ kind: 'warning', text });
      };
      try {
        const taken = await listForApt(system, expanded, request, now);
        const refused = new DebshoalError(
          'apt-failed',
          'apt prefers another source of this version',
        );
        for (const one of expanded) {
          if (taken.has(one.pending.archiveName)) one.entry.handedOver('delta');
          else leave(refused, one);
        }
      } catch (error) {
        if (!isOfOnePackage(error)) throw error;
        for (const one of expanded) leave(error, one);
      }
    },
  };
}
