import { availableParallelism, freemem } from 'node:os';

import { formatSeconds } from '../../shared/cli/format.js';
import { isDebshoalError } from '../../shared/errors.js';
import type { PendingPackage } from '../apt/pending-upgrades.js';
import { jobOf } from '../predict/candidates.js';
import type { Preference } from '../predict/choose-set.js';
import { finishSeconds } from '../predict/schedule.js';
import { activeRoutes, chooseRoutes, type ActiveRoute } from '../steps/choose-route.js';
import type { Speeds } from '../store/speeds.js';
import type { Known, Knowledge } from './knowledge.js';
import type { ReadyStore } from './ready-store.js';
import type { AcquireRequest } from './request.js';
import type { Works } from './works.js';

/** Milliseconds in which requests that come together are gathered: apt sends them in one go. */
const GATHER = 20;
/** Fetches at a time; what comes meanwhile is gathered for the next, which plans it together. */
const FETCHES = 2;
/**
 * Milliseconds that others may wait longer for their turn than the fetches before them should take,
 * which is `ERROR` times what was predicted: a server that trickles must not hold up everybody.
 */
const TURN = 2000;
const ERROR = 2;

export interface ForegroundOptions {
  readonly store: ReadyStore;
  readonly works: Works;
  readonly knowledge: Knowledge;
  readonly speeds: () => Speeds;
  readonly encodersProven: () => Promise<boolean>;
  readonly prefer: () => Preference;
  /** Of the settings; askers may have less. */
  readonly patienceSeconds: number;
  /** Carries out routes; never fails. */
  readonly fetch: (routes: readonly ActiveRoute[]) => Promise<void>;
  /** For the journal. */
  readonly onBug: (error: unknown) => void;
}

export interface Foreground {
  /**
   * Brings a .deb into the store, if that saves something and can be done in time: null when it is
   * there, else why not. `tell` hears what goes on. Without a delta there is an answer at once.
   */
  acquire(
    request: AcquireRequest,
    signal: AbortSignal,
    tell: (stage: string) => void,
  ): Promise<string | null>;
}

/** A fetch that is under way, and when the next one could have begun; of `performance.now()`. */
interface Slot {
  due: number;
}

interface Waiting {
  readonly request: AcquireRequest;
  readonly deadline: number;
  /** Null: it is a work now, or is in the store. */
  readonly answer: (refusal: string | null) => void;
}

export function openForeground(options: ForegroundOptions): Foreground {
  const { store, works, knowledge } = options;
  const waiting = new Set<Waiting>();
  const slots = new Set<Slot>();
  let timer: NodeJS.Timeout | null = null;

  const startLater = (): void => {
    if (timer !== null || waiting.size === 0 || slots.size >= FETCHES) return;
    timer = setTimeout(() => {
      timer = null;
      const batch = [...waiting];
      waiting.clear();
      const slot: Slot = { due: performance.now() + TURN };
      slots.add(slot);
      void start(batch, slot, options).finally(() => {
        slots.delete(slot);
        startLater();
      });
    }, GATHER);
  };
  const gather = (request: AcquireRequest, deadline: number): Promise<string | null> =>
    new Promise((answer) => {
      const one = { request, deadline, answer };
      waiting.add(one);
      startLater();
      refuseLater(one);
    });
  const refuseLater = (one: Waiting): void => {
    setTimeout(() => {
      if (!waiting.has(one)) return;
      const now = performance.now();
      if ([...slots].some(({ due }) => now < due)) {
        refuseLater(one);
        return;
      }
      waiting.delete(one);
      one.answer('debshoal is busy with others');
    }, TURN).unref();
  };
  const findObstacle = async (request: AcquireRequest): Promise<string | null> => {
    const obstacle = (await knowledge.get()).obstacle(request);
    const { soon } = knowledge;
    if (obstacle === null || soon === null) return obstacle;
    await soon;
    return (await knowledge.get()).obstacle(request);
  };

  return {
    async acquire(request, signal, tell) {
      if (store.has(request)) return null;
      const seconds = Math.min(request.patienceSeconds ?? Infinity, options.patienceSeconds);
      const deadline = performance.now() + seconds * 1000;
      const refusal = await inTime(deadline, signal, async () => {
        if (works.find(request.sha256) === null) {
          const obstacle = await findObstacle(request);
          if (obstacle !== null) return obstacle;
          const refused = await gather(request, deadline);
          if (refused !== null) return refused;
        }
        const work = works.find(request.sha256);
        if (work === null) return null;
        const stop = work.listen(tell);
        try {
          await work.done;
          return null;
        } catch (error) {
          if (isDebshoalError(error)) return error.message;
          throw error;
        } finally {
          stop();
        }
      });
      return refusal ?? (store.has(request) ? null : 'it did not stay in the cache');
    },
  };
}

/** Chooses routes for requests that came together, answers those that have none, starts the rest. */
async function start(
  batch: readonly Waiting[],
  slot: Slot,
  options: ForegroundOptions,
): Promise<void> {
  try {
    const { works, store, fetch } = options;
    const known = await options.knowledge.get();
    const encodersProven = await options.encodersProven();
    const open = new Map<string, Waiting[]>();
    for (const one of batch) {
      const { sha256 } = one.request;
      // Since it began to wait another one may have brought it.
      if (store.has(one.request) || works.find(sha256) !== null) one.answer(null);
      else open.set(sha256, [...(open.get(sha256) ?? []), one]);
    }
    const pending = [...open.values()].flatMap(([first]) =>
      first ? [asPending(first.request, known)] : [],
    );
    const cores = availableParallelism();
    const routes = chooseRoutes(pending, known.indexes, new Set(), {
      memoryBytes: freemem() / 2 / FETCHES,
      encodersProven,
      installed: known.installed,
      cores,
      speeds: options.speeds(),
      prefer: options.prefer(),
      // apt wants the very file of its index.
      expandable: new Map(),
    });
    const deltas = activeRoutes(routes.filter(({ kind }) => kind === 'delta'));
    const finish = finishSeconds(
      deltas.map(({ chosen }) => jobOf(chosen, false)),
      cores,
    );
    const taken: ActiveRoute[] = [];
    let longest = 0;
    const refusals = new Map(routes.map(({ pending: { sha256 }, reason }) => [sha256, reason]));
    for (const [i, route] of deltas.entries()) {
      const { sha256 } = route.pending;
      const seconds = finish[i] ?? 0;
      const deadlines = open.get(sha256)?.map(({ deadline }) => deadline) ?? [];
      if (performance.now() + seconds * 1000 <= Math.max(...deadlines)) {
        taken.push(route);
        longest = Math.max(longest, seconds);
        refusals.delete(sha256);
      } else refusals.set(sha256, `it would take ${formatSeconds(seconds)}`);
    }
    slot.due = performance.now() + ERROR * longest * 1000 + TURN;
    const working = fetch(taken);
    for (const [sha256, askers] of open) {
      for (const { answer } of askers) answer(refusals.get(sha256) ?? null);
    }
    await working;
  } catch (error) {
    if (!isDebshoalError(error)) options.onBug(error);
    const refusal = isDebshoalError(error) ? error.message : 'an error in debshoal';
    for (const { answer } of batch) answer(refusal);
  }
}

function asPending(request: AcquireRequest, { installed }: Known): PendingPackage {
  const { package: name, architecture, version, archiveName, uri, size, sha256 } = request;
  const oldVersion = installed.get(`${name}:${architecture}`) ?? null;
  const identity = { package: name, architecture, version, archiveName, size, sha256 };
  return { ...identity, oldVersion, uris: [uri] };
}

/** What `answer` gives, or a refusal when the asker's time is over or he has gone. */
async function inTime(
  deadline: number,
  signal: AbortSignal,
  answer: () => Promise<string | null>,
): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined;
  let onAbort = (): void => undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => {
      resolve('it took too long');
    }, deadline - performance.now());
    onAbort = () => {
      resolve(isDebshoalError(signal.reason) ? signal.reason.message : 'interrupted');
    };
    signal.addEventListener('abort', onAbort);
  });
  try {
    return await Promise.race([answer(), late]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}
