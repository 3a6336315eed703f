import { once } from 'node:events';

import { isDebshoalError } from '../../shared/errors.js';
import { removeStaleTemporaries } from '../../shared/io/files.js';
import type { Settings } from '../config/settings.js';
import { sharingSwarmOptions } from '../sharing/swarm-options.js';
import { answerRequest } from './answer.js';
import { openEngine, type Engine, type EngineOptions, type EngineSettings } from './engine.js';
import { openReadyFile } from './ready-file.js';
import { openServiceSocket } from './socket.js';
import { keepTroubles } from './status.js';

export interface ServiceOptions extends Omit<
  EngineOptions,
  'ready' | 'since' | 'troubles' | 'onBug'
> {
  /** Until the first reload. */
  readonly settings: Settings;
  /** At each reload; a mistake is `config-invalid`. */
  readonly readSettings: () => Promise<Settings>;
  /** Calls the listener whenever the settings are to be read again. */
  readonly onReload: (listener: () => void) => void;
  /** Where to listen, or an inherited descriptor. */
  readonly socket: string | number;
  /** Made while asking may be worth it, for whoever does not want to ask in vain; null for none. */
  readonly readyFile: string | null;
  /** Ends the service. */
  readonly signal: AbortSignal;
}

/**
 * Answers requests (PROTOCOL.md) and brings what is pending in the background, until the signal.
 * Nothing that goes wrong with packages, sources or peers ends it. Fails when it cannot begin.
 */
export async function runService(options: ServiceOptions): Promise<void> {
  const { signal } = options;
  const { troubles, report } = keepTroubles(options.report);
  const onBug = (error: unknown): void => {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    report({ kind: 'warning', text });
  };

  // What a killed one has left.
  const ready = openReadyFile(options.readyFile);
  await ready.remove();
  await removeStaleTemporaries(options.cacheFolder);
  const engineOptions = { ...options, ready, since: new Date(), troubles, report, onBug };
  let engine = openEngine(await complete(options.settings), engineOptions);
  const first = await engine;
  const socket = await openServiceSocket({
    at: options.socket,
    // Whoever comes while the settings change waits for that.
    answer: async (request, to) => answerRequest(request, (await engine).parts, to),
    onBug,
  }).catch(async (error: unknown) => {
    await first.close();
    throw error;
  });

  const reload = async (): Promise<void> => {
    let settings: EngineSettings;
    try {
      settings = await complete(await options.readSettings());
    } catch (error) {
      if (!isDebshoalError(error)) throw error;
      const text = `the settings stay as they were: ${error.message} [${error.code}]`;
      report({ kind: 'warning', text });
      return;
    }
    engine = replace(await engine, settings);
    await engine;
    report({ kind: 'note', text: 'the settings were read again' });
  };
  const replace = async (old: Engine, settings: EngineSettings): Promise<Engine> => {
    await old.close();
    const next = await openEngine(settings, engineOptions);
    await next.begin();
    return next;
  };
  const failed = new Promise<never>((_, reject) => {
    let reloading = Promise.resolve();
    options.onReload(() => {
      reloading = reloading.then(() => (signal.aborted ? undefined : reload()));
      reloading.catch(reject);
    });
  });
  try {
    await (await engine).begin();
    report({ kind: 'note', text: 'ready' });
    if (!signal.aborted) await Promise.race([once(signal, 'abort'), failed]);
  } finally {
    await ready.remove();
    await socket.close();
    await (await engine).close();
  }
}

async function complete(settings: Settings): Promise<EngineSettings> {
  return { settings, swarm: await sharingSwarmOptions(settings) };
}
