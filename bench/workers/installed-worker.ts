import { rebuildInstalled } from '../../client/confinement/rebuild-installed.js';
import { answerTasks } from '../../shared/io/worker-pool.js';

// One process for many rebuilds, whose start is measured apart from them.
answerTasks(rebuildInstalled);
