import { DebshoalError } from '../../shared/errors.js';
import type { PendingPackage } from '../apt/pending-upgrades.js';

/** One .deb that is being made, for whoever wants it. */
export interface Work {
  readonly pending: PendingPackage;
  readonly since: Date;
  /** What happens to it, in a few words. */
  readonly stage: string;
  /** Resolves when it is in the store; fails with a DebshoalError. */
  readonly done: Promise<void>;
  say(stage: string): void;
  finish(error?: DebshoalError): void;
  /** Told of the stage now and of the next ones; returns what stops that. */
  listen(listener: (stage: string) => void): () => void;
}

/** What is under way, by SHA-256: nothing is made twice at a time. */
export interface Works {
  readonly all: readonly Work[];
  find(sha256: string): Work | null;
  begin(pending: PendingPackage, stage: string): Work;
}

export function openWorks(): Works {
  const works = new Map<string, Work>();
  return {
    get all() {
      return [...works.values()];
    },
    find: (sha256) => works.get(sha256) ?? null,
    begin(pending, stage) {
      if (works.has(pending.sha256)) throw new Error(`${pending.archiveName} is made already`);
      const work = startWork(pending, stage, () => works.delete(pending.sha256));
      works.set(pending.sha256, work);
      return work;
    },
  };
}

function startWork(pending: PendingPackage, first: string, onEnd: () => void): Work {
  const listeners = new Set<(stage: string) => void>();
  let stage = first;
  let end: (error?: DebshoalError) => void = () => undefined;
  const done = new Promise<void>((resolve, reject) => {
    end = (error) => {
      if (error === undefined) resolve();
      else reject(error);
    };
  });
  // Nobody may be waiting for it.
  done.catch(() => undefined);
  return {
    pending,
    since: new Date(),
    get stage() {
      return stage;
    },
    done,
    say(next) {
      stage = next;
      for (const listener of listeners) listener(next);
    },
    finish(error) {
      onEnd();
      listeners.clear();
      end(error);
    },
    listen(listener) {
      listeners.add(listener);
      listener(stage);
      return () => listeners.delete(listener);
    },
  };
}
