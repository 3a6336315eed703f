import { stat } from 'node:fs/promises';
import { join } from 'node:path';

import { indexTargets } from '../apt/index-targets.js';
import type { AptSystem } from '../apt/apt-system.js';
import { readIndexSources, SOURCES_FOLDER } from '../config/index-sources.js';
import { readTrustedKey } from '../config/trusted-key.js';
import type { HttpClient } from '../download/http.js';
import { fetchIndexes } from '../steps/fetch-indexes.js';
import { readAptIndexes } from '../steps/read-apt-indexes.js';
import { STATE_FOLDER } from '../store/folders.js';
import { openSpeedStore } from '../store/speeds.js';
import { openTrustedCounters } from '../store/trusted-counters.js';
import type { Findings } from './finding.js';

export interface IndexCheck {
  readonly system: AptSystem;
  readonly http: HttpClient;
  readonly now: Date;
  readonly signal: AbortSignal;
}

const DAY = 86_400_000;
/** Debian publishes its stable suites every two months, its security suite daily. */
const OLD_DAYS = 90;

/** Keys, and the indexes that they sign: found, verified, and how old. */
export async function checkIndexes(check: IndexCheck, found: Findings): Promise<void> {
  const { system, now } = check;
  const sources = await readIndexSources(system.root);
  const targets = await indexTargets(system, 'Debshoal');
  if (sources.length === 0 && targets.length === 0) {
    found.warning(
      'no index of deltas: no archive of apt lists one, and none is configured',
      `Name a source in /${SOURCES_FOLDER}, or ask the archive for an index.`,
    );
    return;
  }
  for (const path of new Set(sources.map(({ signedBy }) => signedBy))) {
    await readTrustedKey(path);
    found.ok(`key ${path}`);
  }
  const stateFolder = join(system.root, STATE_FOLDER);
  const report = (progress: { readonly kind: string; readonly text?: string }): void => {
    if (progress.kind === 'warning') found.problem(progress.text ?? '', adviceFor(progress.text));
  };
  const indexes = [
    ...(await readAptIndexes(system, report)),
    ...(await fetchIndexes(sources, {
      ...check,
      architecture: system.architecture,
      counters: await openTrustedCounters(stateFolder, 'read-only'),
      speeds: await openSpeedStore(stateFolder, 'read-only'),
      report,
    })),
  ];
  for (const { source, index, trust } of indexes) {
    const whose = trust === 'archive' ? 'the archive’s own' : 'a third party’s';
    found.ok(
      `${source.uri} ${source.suite}: ${index.packages.length} packages, ${whose}, verified`,
    );
  }
  for (const { file, repositoryUri, release } of targets) {
    const days = (now.getTime() - (await stat(file)).mtimeMs) / DAY;
    if (days < OLD_DAYS) continue;
    const text = `the index of ${repositoryUri} ${release} is ${Math.floor(days)} days old`;
    found.warning(text, 'Run `apt update`.');
  }
}

function adviceFor(text = ''): string {
  const who = text.endsWith('[http-failed]')
    ? `Look at the network, and at the address in /${SOURCES_FOLDER}.`
    : 'Ask whoever publishes the index.';
  return `Packages come whole from the mirror meanwhile. ${who}`;
}
