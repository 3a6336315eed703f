import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { withTemporaryFolder } from '../../shared/io/files.js';
import { startLabClient, type LabClient } from './lab-client.js';
import { openLabNetwork, type LabHost, type LabNetwork } from './lab-network.js';
import { startLabSite, type LabSite } from './lab-site.js';
import { makeUpgradeSet, type SetObject, type SetShape } from './upgrade-set.js';

/** What every scenario is told. */
export interface ScenarioOptions {
  /** The sizes of the project's targets, instead of smaller ones that take a tenth of the time. */
  readonly full: boolean;
  readonly signal: AbortSignal;
  readonly note: (text: string) => void;
}

/** A network with what runs in it, and a folder for its files; all goes when the scenario ends. */
export interface Lab {
  readonly network: LabNetwork;
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly client: (host: LabHost, port?: number) => Promise<LabClient>;
  readonly site: (host: LabHost, published: Published) => Promise<LabSite>;
  readonly publish: (shape: SetShape) => Promise<Published>;
  /** Ends what a part of a scenario has started; the network stays. */
  readonly stopAll: () => Promise<void>;
}

interface Published {
  readonly folder: string;
  readonly objects: readonly SetObject[];
}

export async function withLab<T>(
  { signal }: ScenarioOptions,
  use: (lab: Lab) => Promise<T>,
): Promise<T> {
  return withTemporaryFolder(async (folder) => {
    const network = await openLabNetwork();
    const running: { close: () => Promise<void> }[] = [];
    const keep = <R extends { close: () => Promise<void> }>(part: R): R => {
      running.push(part);
      return part;
    };
    const stopAll = async (): Promise<void> => {
      await Promise.all(running.splice(0).map((part) => part.close()));
    };
    let sets = 0;
    try {
      return await use({
        network,
        folder,
        signal,
        client: async (host, port) => keep(await startLabClient(host, { folder, signal, port })),
        site: async (host, { folder: content, objects }) =>
          keep(await startLabSite(host, content, objects, signal)),
        publish: async (shape) => {
          const content = join(folder, `published-${++sets}`);
          await mkdir(content);
          return { folder: content, objects: await makeUpgradeSet(content, shape) };
        },
        stopAll,
      });
    } finally {
      await stopAll();
      await network.close();
    }
  });
}

/** A promise of the project, and what this run says about it. */
export interface Figure {
  readonly name: string;
  /** `found` is to be at most, or at least, this. */
  readonly most?: number;
  readonly least?: number;
  readonly found: number;
  /** What it was made of, for people. */
  readonly detail: string;
}

export function isMet({ found, most = Infinity, least = -Infinity }: Figure): boolean {
  return found <= most && found >= least;
}
