import { describe, expect, test } from 'vitest';

import type { AptSystem } from '../../../client/apt/apt-system.js';
import { checkNetwork } from '../../../client/doctor/check-network.js';
import { findingsOf } from '../../../client/doctor/finding.js';
import { createHttpClient } from '../../../client/download/http.js';
import { temporaryFolder } from '../../support/cleanup.js';
import { serveWithLog } from '../../support/http-log.js';

/** An apt that has one list, from `url`. */
function aptWithMirror(url: string): AptSystem {
  const target = `MetaKey: main/binary-amd64/Packages
Repo-URI: ${url}/
Release: lab
Suite: lab
Codename: lab
Component: main
Architecture: amd64
Trusted: yes
Filename: /var/lib/apt/lists/lab_dists_lab_main_binary-amd64_Packages
`;
  return {
    root: '/',
    architecture: 'amd64',
    run: () => Promise.resolve(target),
    readList: () => Promise.reject(new Error('not asked for')),
  };
}

async function look(url: string, aheadSeconds: number) {
  const [network, clock] = [findingsOf('network'), findingsOf('clock')];
  const http = createHttpClient({ stallMilliseconds: 5000 });
  const now = (): Date => new Date(Date.now() + aheadSeconds * 1000);
  await checkNetwork({ system: aptWithMirror(url), http, now }, network, clock);
  http.close();
  const levels = [network, clock].map(({ all }) => all.map(({ level }) => level));
  return { network: levels[0], clock: levels[1] };
}

describe('the mirror and its clock', () => {
  test.each([
    [0, 'ok'],
    [-600, 'warning'],
    [365 * 86_400, 'problem'],
    [-365 * 86_400, 'problem'],
  ])('our clock %d s ahead: %s', async (seconds, level) => {
    const mirror = await serveWithLog(await temporaryFolder());
    // There is no such Release, but a server that tells the time.
    expect(await look(mirror.url, seconds)).toEqual({ network: ['problem'], clock: [level] });
    await mirror.close();
  });

  test('nobody there is a problem, and tells no time', async () => {
    expect(await look('http://127.0.0.1:9', 0)).toEqual({ network: ['problem'], clock: [] });
  });
});
