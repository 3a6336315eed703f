import type { Argv, CommandModule } from 'yargs';

import { formatBytes, formatPercent, formatTable } from '../../shared/cli/format.js';
import { askStatus, SOCKET, type DaemonStatus } from '../service/ask-status.js';

interface StatusArguments {
  socket: string;
  json: boolean;
}

export const statusCommand: CommandModule<object, StatusArguments> = {
  command: 'status',
  describe: 'Show what the daemon has saved, where bytes came from, and what it does now',
  builder: (yargs: Argv) =>
    yargs
      .option('socket', { type: 'string', default: SOCKET, describe: 'of the daemon' })
      .option('json', { type: 'boolean', default: false, describe: 'print one JSON object' }),
  async handler({ socket, json }) {
    const status = await askStatus(socket);
    console.log(json ? JSON.stringify(status) : describeStatus(status));
  },
};

/** For people. */
function describeStatus(status: DaemonStatus): string {
  const { version, since, saved, cache, indexes, working, troubles } = status;
  const { obstacle, prefetchObstacle } = status;
  const lines = [
    `debshoal ${version}, running since ${localTime(since)}`,
    '',
    formatTable(
      ['for apt', 'packages', 'bytes', 'HTTP', 'local peers', 'Internet peers', 'saved'],
      [
        savedRow(`since ${saved.since.slice(0, 10)}`, saved.total),
        savedRow(`in ${saved.month}`, saved.inMonth),
      ],
    ),
    '',
    ...(obstacle === null ? [] : [`Every package comes from the mirror: ${obstacle}.`]),
    `Cache: ${cache.files} files, ${formatBytes(cache.bytes)} of ${formatBytes(cache.maxBytes)}.`,
    prefetchObstacle === null
      ? 'Pending packages come in the background.'
      : `Nothing comes in the background: ${prefetchObstacle}.`,
  ];
  lines.push(...describeSharing(status.sharing));
  lines.push(`Sandbox for deltas: ${status.confinement.detail}.`);
  if (indexes.length === 0) lines.push('No index of deltas is known: see `debshoal doctor`.');
  for (const { uri, suite, packages } of indexes) {
    lines.push(`Index: ${uri} ${suite}, ${packages} packages.`);
  }
  if (working.length > 0) {
    const rows = working.map((work) => [work.package, work.version, work.stage]);
    lines.push('', formatTable(['at work on', 'version', 'stage'], rows));
  }
  if (troubles.length > 0) lines.push('', 'Last troubles:');
  for (const { at, text } of troubles)
    lines.push(`  ${localTime(at)}  ${text.replaceAll(/\p{C}/gu, ' ')}`);
  return lines.join('\n');
}

function describeSharing(sharing: DaemonStatus['sharing']): string[] {
  const { scope, paused, localOnly, seeding, bytesOnDisk } = sharing;
  if (scope === 'nobody') return ['Nothing is shared.'];
  const away = `${formatBytes(sharing.uploadedBeyond)} beyond the own networks`;
  return [
    `Shared with ${scope}: ${seeding} torrents, ${formatBytes(bytesOnDisk)} on disk.`,
    `Uploaded this month: ${formatBytes(sharing.uploadedLocally)} within, ${away}.`,
    describeLimits(sharing),
    ...(paused === null ? [] : [`Paused: ${paused}.`]),
    ...(localOnly === null ? [] : [`Only the own networks get anything: ${localOnly}.`]),
    ...describeShared(sharing.shared),
  ];
}

function describeLimits({ limits, monthlyLeft }: DaemonStatus['sharing']): string {
  const { uploadBytesPerSecond: rate, uploadMonthlyBytes: monthly, seedRatio } = limits;
  const ofSuite = limits.uploadPerReleaseBytes;
  const parts = [
    ...(rate === null ? [] : [`${formatBytes(rate)} a second`]),
    ...(monthly === null || monthlyLeft === null
      ? []
      : [`${formatBytes(monthly)} a month (${formatBytes(monthlyLeft)} left)`]),
    ...(ofSuite === null ? [] : [`${formatBytes(ofSuite)} a month for one suite`]),
    `${seedRatio} times its size for each`,
  ];
  return `Limits of uploads beyond the own networks: ${parts.join(', ')}.`;
}

/** A terminal has 24 lines; --json has more. */
const SHOWN = 10;

function describeShared(shared: DaemonStatus['sharing']['shared']): string[] {
  if (shared.length === 0) return [];
  const rows = shared
    .slice(0, SHOWN)
    .map((one) => [
      one.package,
      one.version,
      one.suite,
      formatBytes(one.bytes),
      formatBytes(one.uploadedBeyond),
    ]);
  const table = formatTable(['shared', 'version', 'suite', 'bytes', 'uploaded beyond'], rows);
  const more = shared.length - SHOWN;
  return ['', table, ...(more > 0 ? [`and ${more} more`] : []), ''];
}

function savedRow(when: string, counts: Counts): string[] {
  const { packages, servedBytes, peerBytes, localBytes, httpBytes } = counts;
  const fetched = peerBytes + httpBytes;
  return [
    when,
    String(packages),
    formatBytes(servedBytes),
    formatBytes(httpBytes),
    formatBytes(localBytes),
    formatBytes(peerBytes - localBytes),
    // What was fetched ahead may not have been asked for yet.
    formatPercent(Math.max(0, servedBytes - fetched), servedBytes),
  ];
}

type Counts = DaemonStatus['saved']['total'];

function localTime(text: string): string {
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? text : time.toLocaleString('sv-SE');
}
