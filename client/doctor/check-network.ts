import { isDebshoalError } from '../../shared/errors.js';
import { indexTargets } from '../apt/index-targets.js';
import type { AptSystem } from '../apt/apt-system.js';
import { isHttpUrl } from '../config/index-sources.js';
import type { HttpClient } from '../download/http.js';
import type { Findings } from './finding.js';

/** More are of no use to a person. */
const MOST_MIRRORS = 5;
/** Seconds by which clocks differ without anybody being wrong; and those that end validity. */
const [SOME, FAR] = [60, 3600];

/** The mirrors of apt: whether they answer, and what time it is there. */
export async function checkNetwork(
  { system, http, now }: { system: AptSystem; http: HttpClient; now: () => Date },
  found: Findings,
  clock: Findings,
): Promise<void> {
  const targets = (await indexTargets(system, 'Packages')).filter(({ repositoryUri }) =>
    isHttpUrl(repositoryUri),
  );
  const urls = new Set(
    targets.map(({ repositoryUri, release }) => `${repositoryUri}/dists/${release}/`),
  );
  if (urls.size === 0) found.warning('apt has no lists from an HTTP mirror', 'Run `apt update`.');
  const differences: number[] = [];
  for (const url of [...urls].slice(0, MOST_MIRRORS)) {
    try {
      const response = await openRelease(http, url);
      const seconds = (Date.parse(response.headers.date ?? '') - now().getTime()) / 1000;
      if (Number.isFinite(seconds)) differences.push(Math.abs(seconds));
      if (response.statusCode === 200) found.ok(`${url} is there`);
      else found.problem(`${url}: status ${response.statusCode ?? 0}`, 'Look at apt’s sources.');
    } catch (error) {
      if (!isDebshoalError(error)) throw error;
      found.problem(error.message, 'Look at the network, at proxies, and at apt’s sources.');
    }
  }
  judgeClock(differences, clock);
}

/** Either of the two that apt knows; the answer's head. */
async function openRelease(http: HttpClient, folder: string) {
  const response = await http.open(`${folder}InRelease`, {});
  response.destroy();
  if (response.statusCode !== 404) return response;
  const detached = await http.open(`${folder}Release`, {});
  detached.destroy();
  return detached;
}

function judgeClock(differences: readonly number[], clock: Findings): void {
  if (differences.length === 0) return;
  // A proxy may answer with an old date; all of them will not.
  const least = Math.round(Math.min(...differences));
  const text = `${least} s apart from the mirror’s`;
  if (least <= SOME) clock.ok(text);
  else if (least <= FAR) clock.warning(text, 'Set the clock, with NTP for example.');
  else clock.problem(`${text}: signatures and validity cannot be judged`, 'Set the clock.');
}
