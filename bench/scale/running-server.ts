import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** What a server tells Prometheus of itself, by name and labels as they are printed. */
export type Metrics = ReadonlyMap<string, number>;

export interface RunningServer {
  readonly httpUrl: string;
  readonly swarmPort: number;
  readonly seeding: number;
  /** From its start until it had offered everything. */
  readonly readySeconds: number;
  readonly metrics: () => Promise<Metrics>;
  readonly close: () => Promise<void>;
}

/** The real `debshoal-generator serve` in a process of its own. */
export async function startServer(folder: string, trackerPort: number): Promise<RunningServer> {
  const startedAt = performance.now();
  const program = fileURLToPath(new URL('../../generator/cli.js', import.meta.url));
  const ports = ['--http-port', '0', '--swarm-port', '0', '--tracker-port', String(trackerPort)];
  const child = spawn(
    process.execPath,
    [program, 'serve', folder, '--host', '127.0.0.1', ...ports, '--metrics', '0', '--json'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let text = '';
  for await (const chunk of child.stdout) {
    text += String(chunk);
    if (text.includes('\n')) break;
  }
  const told = JSON.parse(text) as {
    httpUrl: string;
    swarmPort: number;
    seeding: number;
    metricsUrl: string;
  };
  return {
    ...told,
    readySeconds: (performance.now() - startedAt) / 1000,
    metrics: async () => {
      const lines = (await (await fetch(told.metricsUrl)).text()).split('\n');
      const samples = lines.filter((line) => line !== '' && !line.startsWith('#'));
      return new Map(
        samples.map((line) => {
          const end = line.lastIndexOf(' ');
          return [line.slice(0, end).replace(/^debshoal_/, ''), Number(line.slice(end + 1))];
        }),
      );
    },
    close: async () => {
      child.kill('SIGINT');
      await once(child, 'exit');
    },
  };
}
