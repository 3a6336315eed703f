import { join } from 'node:path';

import { expect, test } from 'vitest';

import { checkDaemon } from '../../../client/doctor/check-daemon.js';
import { findingsOf } from '../../../client/doctor/finding.js';
import { closing, temporaryFolder } from '../../support/cleanup.js';
import { daemonStatus } from '../../support/daemon-status.js';
import { startScriptedDaemon } from '../../support/scripted-daemon.js';

test.each([
  ['sandbox', ['ok']],
  ['none', ['ok', 'warning']],
])('a daemon whose workers are confined by %s', async (level, levels) => {
  const socket = join(await temporaryFolder(), 'socket');
  const status = { ...daemonStatus, confinement: { level, detail: 'no bwrap' } };
  const answer = `201 Done\n\n${JSON.stringify(status)}\n`;
  closing(await startScriptedDaemon(socket, (_, connection) => connection.end(answer)));
  const found = findingsOf('daemon');
  await checkDaemon('/', status.version, found, socket);
  expect(found.all.map(({ level: one }) => one)).toEqual(levels);
});
