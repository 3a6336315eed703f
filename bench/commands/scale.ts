import type { Argv, CommandModule } from 'yargs';

import { formatTable } from '../../shared/cli/format.js';
import { interruptSignal } from '../../shared/cli/run-cli.js';
import { DebshoalError } from '../../shared/errors.js';
import { measureScale, type ScaleFigures } from '../scale/measure-scale.js';

interface ScaleArguments {
  objects: number[];
  json: boolean;
}

const HELP = `$0 scale

Measures publish, serve and a client with many published objects: half of them deltas in batches,
half packages with a torrent each. publish, serve (files, tracker, seeder) and the client's downloads
are the real programs. What is in the packages and deltas is noise, a few hundred bytes each; nothing is
diffed, for the deltas wait as if a run that was killed had made them. Needs GNU time.`;

export const scaleCommand: CommandModule<object, ScaleArguments> = {
  command: 'scale',
  describe: 'Measure publish, serve and a client with 50,000 published objects',
  builder: (yargs: Argv) =>
    yargs
      .usage(HELP)
      .option('objects', {
        type: 'number',
        array: true,
        default: [1000, 10_000, 50_000],
        describe: 'published objects; each number is a run of its own',
      })
      .option('json', { type: 'boolean', default: false, describe: 'print JSON' })
      .check(({ objects }) => {
        if (objects.every((count) => Number.isInteger(count) && count >= 2)) return true;
        throw new DebshoalError('usage', '--objects takes numbers from 2');
      }),
  async handler({ objects, json }) {
    const signal = interruptSignal();
    const figures: ScaleFigures[] = [];
    for (const count of objects) {
      const note = (text: string): void => {
        console.error(`${count}: ${text}`);
      };
      figures.push(await measureScale({ objects: count, signal, note }));
    }
    console.log(json ? JSON.stringify(figures) : describe(figures));
  },
};

const ROWS: readonly (readonly [name: string, of: (figures: ScaleFigures) => string])[] = [
  ['publish, nothing known: CPU seconds', ({ publish }) => publish.first.cpuSeconds.toFixed(1)],
  ['publish, all new: CPU seconds', ({ publish }) => publish.second.cpuSeconds.toFixed(1)],
  ['publish, all new: peak memory', ({ publish }) => mb(publish.second.peakRssBytes)],
  ['publish, nothing new: CPU seconds', ({ publish }) => publish.idle.cpuSeconds.toFixed(1)],
  ['torrents', ({ torrents }) => String(torrents)],
  ['serve: seconds until all are offered', ({ readySeconds }) => readySeconds.toFixed(1)],
  ['serve: seconds until all are announced', ({ announceSeconds }) => announceSeconds.toFixed(1)],
  ['serve: memory, files and tracker', ({ announced }) => mb(announced.mainRssBytes)],
  ['serve: memory, seeder', ({ announced }) => mb(announced.swarmRssBytes)],
  ['serve: open files', ({ announced }) => String(announced.openFiles)],
  ['serve: CPU of a core when idle', ({ idleCpu }) => `${(100 * idleCpu).toFixed(1)} %`],
  ['first block of a cold torrent, median', ({ coldMedian }) => `${coldMedian.toFixed(1)} ms`],
  ['first block of a cold torrent, most', ({ coldMost }) => `${coldMost.toFixed(1)} ms`],
  ['first block of a cold batch', ({ coldBatch }) => `${coldBatch.toFixed(1)} ms`],
  ['busy: torrents in memory', ({ busy }) => String(busy.activeTorrents)],
  ['busy: memory, files and tracker', ({ busy }) => mb(busy.mainRssBytes)],
  ['busy: memory, seeder', ({ busy }) => mb(busy.swarmRssBytes)],
  ['busy: open files', ({ busy }) => String(busy.openFiles)],
  ['client: seconds to read the index', ({ client }) => client.indexSeconds.toFixed(2)],
  ['client: seconds for 300 objects', ({ client }) => client.downloadSeconds.toFixed(1)],
  ['client: failed', ({ client }) => String(client.failed)],
  ['client: peak memory', ({ client }) => mb(client.peakRssBytes)],
  ['client: peak memory, swarm', ({ client }) => mb(client.swarmRssBytes)],
];

function describe(figures: readonly ScaleFigures[]): string {
  const head = ['objects', ...figures.map(({ objects }) => String(objects))];
  return formatTable(
    head,
    ROWS.map(([name, of]) => [name, ...figures.map(of)]),
  );
}

function mb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
