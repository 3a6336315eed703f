import type { DebForm } from '../../shared/deb/deb-forms.js';
import type { DebshoalError, ErrorCode } from '../../shared/errors.js';
import type { RebuildResult } from '../../shared/delta/rebuild.js';
import { median } from '../../shared/median.js';
import type { SpeedStore } from '../store/speeds.js';
import type { Route } from './choose-route.js';

/** One package of a report; bytes, and wall-clock seconds. */
export interface PackageResult {
  readonly package: string;
  readonly architecture: string;
  readonly oldVersion: string | null;
  readonly newVersion: string;
  /** What was carried out in the end; `none` is left to apt, `ready` was done by an earlier run. */
  readonly route: Route['kind'];
  /** What a delta was rebuilt as. */
  readonly form: DebForm | null;
  readonly reason: string;
  readonly fullBytes: number;
  /** Of the delta in the index; null when there is none. */
  readonly deltaBytes: number | null;
  readonly peerBytes: number;
  /** Of `peerBytes`, from peers on the own networks. */
  readonly localBytes: number;
  readonly httpBytes: number;
  readonly fetchSeconds: number;
  /** What the plan foresaw of rebuildSeconds; null when nothing was to be rebuilt. */
  readonly predictedSeconds: number | null;
  readonly rebuildSeconds: number;
  readonly compressSeconds: number;
  /** The .deb was complete and had apt's SHA-256. */
  readonly verified: boolean;
  readonly handedOver: boolean;
  /** Of the last failure, also when a full .deb mended it. */
  readonly error: { readonly code: ErrorCode; readonly message: string } | null;
}

export interface FetchReport {
  readonly packages: readonly PackageResult[];
  /** What apt alone would have downloaded for the packages that this run handed over. */
  readonly fullBytes: number;
  readonly peerBytes: number;
  readonly localBytes: number;
  readonly httpBytes: number;
  readonly savedBytes: number;
  readonly seconds: number;
  /** Median of |predicted - real| / real over what was rebuilt; null when nothing was. */
  readonly predictionError: number | null;
}

/** Collects what happens to one package. */
export interface PackageReport {
  addDownload(
    download: Pick<PackageResult, 'peerBytes' | 'localBytes' | 'httpBytes'> & { seconds: number },
  ): void;
  addRebuild(seconds: RebuildResult['seconds']): void;
  verified(): void;
  handedOver(route: 'delta' | 'full'): void;
  failed(error: DebshoalError): void;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Starts the report of a fetch, which `speeds` learns from; the clock runs from here. */
export function startReport(
  routes: readonly Route[],
  speeds: SpeedStore,
): {
  of: (route: Route) => PackageReport;
  finish: () => FetchReport;
} {
  const started = performance.now();
  const results = new Map(routes.map((route) => [route, emptyResult(route)]));
  return {
    of: (route) => {
      const result = results.get(route);
      if (result === undefined) throw new Error('a route of another plan');
      return collect(result, route, speeds);
    },
    finish: () => {
      const packages = [...results.values()];
      const sum = (of: (result: PackageResult) => number): number =>
        packages.reduce((total, result) => total + of(result), 0);
      const fullBytes = sum((result) =>
        result.handedOver && result.route !== 'ready' ? result.fullBytes : 0,
      );
      const peerBytes = sum((result) => result.peerBytes);
      const httpBytes = sum((result) => result.httpBytes);
      const seconds = (performance.now() - started) / 1000;
      const savedBytes = fullBytes - peerBytes - httpBytes;
      const predictionError = median(packages.flatMap(errorOf));
      return {
        packages,
        fullBytes,
        peerBytes,
        localBytes: sum((result) => result.localBytes),
        httpBytes,
        savedBytes,
        seconds,
        predictionError,
      };
    },
  };
}

/** Nothing for what was not rebuilt. */
function errorOf({ predictedSeconds, rebuildSeconds }: PackageResult): number[] {
  if (predictedSeconds === null || rebuildSeconds === 0) return [];
  return [Math.abs(predictedSeconds - rebuildSeconds) / rebuildSeconds];
}

function collect(result: Mutable<PackageResult>, route: Route, speeds: SpeedStore): PackageReport {
  return {
    addDownload({ peerBytes, localBytes, httpBytes, seconds }) {
      result.peerBytes += peerBytes;
      result.localBytes += localBytes;
      result.httpBytes += httpBytes;
      result.fetchSeconds += seconds;
    },
    addRebuild({ total, compress }) {
      result.rebuildSeconds += total;
      result.compressSeconds += compress;
      if (route.kind !== 'delta') return;
      // Whoever has seconds has rebuilt: what fails throws.
      const { work, rebuildSeconds: predicted } = route.chosen;
      speeds.observeRebuild({ form: route.form, work, predicted, total, compress });
    },
    verified() {
      result.verified = true;
    },
    handedOver(route) {
      result.route = route;
      if (route === 'full') result.form = null;
      result.handedOver = true;
    },
    failed({ code, message }) {
      result.route = 'none';
      result.verified = false;
      result.error = { code, message };
    },
  };
}

function emptyResult(route: Route): Mutable<PackageResult> {
  const { pending, kind, reason } = route;
  return {
    package: pending.package,
    architecture: pending.architecture,
    oldVersion: pending.oldVersion,
    newVersion: pending.version,
    route: kind,
    form: kind === 'delta' ? route.form : null,
    reason,
    fullBytes: pending.size,
    deltaBytes: kind === 'delta' ? route.bytes : null,
    peerBytes: 0,
    localBytes: 0,
    httpBytes: 0,
    fetchSeconds: 0,
    predictedSeconds: kind === 'delta' ? route.chosen.rebuildSeconds : null,
    rebuildSeconds: 0,
    compressSeconds: 0,
    verified: kind === 'ready',
    handedOver: kind === 'ready',
    error: null,
  };
}
