import { readFileSync, writeSync } from 'node:fs';

import { attempt } from '../../shared/io/outcome.js';
import { rebuildInstalled, type RebuildTask } from '../confinement/rebuild-installed.js';

// One task, one answer: what runWorker expects. Whoever gives the task believes nothing else.
const task = JSON.parse(readFileSync(0, 'utf8')) as RebuildTask;
writeSync(1, `${JSON.stringify(await attempt(() => rebuildInstalled(task)))}\n`);
