import { readdir } from 'node:fs/promises';

import { runTool } from '../../shared/io/run-tool.js';

/** Megabits a second in each direction, seen from the host or house; 0: not limited. */
export interface LineSpeed {
  readonly down: number;
  readonly up: number;
}

export const UNLIMITED: LineSpeed = { down: 0, up: 0 };

/** Bytes of packets, headers included. */
interface Traffic {
  readonly received: number;
  readonly sent: number;
}

/** A computer of the laboratory: a network namespace with one interface. */
export interface LabHost {
  readonly address: string;
  /** What a command line begins with to run on this host. */
  readonly prefix: readonly string[];
  readonly traffic: () => Promise<Traffic>;
}

/** A switch that hosts are plugged into. */
interface LabSwitch {
  readonly host: (line: LineSpeed) => Promise<LabHost>;
  /** Another switch behind a line of its own: a house with several computers. */
  readonly house: (
    line: LineSpeed,
  ) => Promise<LabSwitch & { readonly traffic: LabHost['traffic'] }>;
}

export interface LabNetwork extends LabSwitch {
  readonly close: () => Promise<void>;
}

const PREFIX = 'debshoal-lab';
const NETNS_FOLDER = '/run/netns';
/**
 * Bytes that may leave at once, and milliseconds of queue: a few packets as the kernel hands them
 * down (64 kB), and about what a router at home has.
 */
const BURST = 64 * 1024;
const QUEUE = 100;
const CONGESTION_CONTROL = 'net.ipv4.tcp_congestion_control=reno';

/**
 * Makes an empty network in namespaces of its own; this machine's are not touched. Needs root, ip and
 * tc (iproute2). Lines are shaped with tbf. What a killed run left is removed first.
 */
export async function openLabNetwork(): Promise<LabNetwork> {
  await removeStale();
  const base = `${PREFIX}-${process.pid}`;
  const wire = `${base}-wire`;
  let hosts = 0;
  let switches = 0;
  await ip('netns', 'add', wire);

  const openSwitch = async (): Promise<{ name: string } & LabSwitch> => {
    const name = `switch${++switches}`;
    await ip('-n', wire, 'link', 'add', name, 'type', 'bridge');
    await ip('-n', wire, 'link', 'set', name, 'up');
    return {
      name,
      host: async (line) => {
        const number = ++hosts;
        const namespace = `${base}-${number}`;
        const [port, address] = [`port${number}`, `10.77.${number >> 8}.${number & 255}`];
        await ip('netns', 'add', namespace);
        const ends = ['type', 'veth', 'peer', 'name', port, 'netns', wire];
        await ip('link', 'add', 'eth0', 'netns', namespace, ...ends);
        await ip('-n', wire, 'link', 'set', port, 'master', name, 'up');
        await ip('-n', namespace, 'addr', 'add', `${address}/16`, 'dev', 'eth0');
        await ip('-n', namespace, 'link', 'set', 'eth0', 'up');
        await ip('-n', namespace, 'link', 'set', 'lo', 'up');
        const prefix = ['nsenter', `--net=${NETNS_FOLDER}/${namespace}`];
        // Every kernel has it; bbr, the default of some machines, loses most of what short queues drop.
        await run('nsenter', [...prefix.slice(1), 'sysctl', '-qw', CONGESTION_CONTROL]);
        await shape(namespace, 'eth0', line.up);
        await shape(wire, port, line.down);
        return {
          address,
          prefix,
          traffic: () => traffic(namespace, 'eth0'),
        };
      },
      house: async (line) => {
        const inner = await openSwitch();
        const [street, door] = [`street${switches}`, `door${switches}`];
        await ip('-n', wire, 'link', 'add', street, 'type', 'veth', 'peer', 'name', door);
        await ip('-n', wire, 'link', 'set', street, 'master', name, 'up');
        await ip('-n', wire, 'link', 'set', door, 'master', inner.name, 'up');
        await shape(wire, street, line.down);
        await shape(wire, door, line.up);
        return { ...inner, traffic: () => traffic(wire, door) };
      },
    };
  };

  try {
    const main = await openSwitch();
    return { ...main, close: () => removeNamespaces(base) };
  } catch (error) {
    await removeNamespaces(base);
    throw error;
  }
}

/** What leaves through an interface is slowed; nothing else can be. */
async function shape(namespace: string, device: string, megabits: number): Promise<void> {
  if (megabits === 0) return;
  const rate = ['rate', `${megabits}mbit`, 'burst', String(BURST), 'latency', `${QUEUE}ms`];
  await run('tc', ['-n', namespace, 'qdisc', 'add', 'dev', device, 'root', 'tbf', ...rate]);
}

async function traffic(namespace: string, device: string): Promise<Traffic> {
  const json = await ip('-n', namespace, '-s', '-j', 'link', 'show', 'dev', device);
  const [link] = JSON.parse(json) as [{ stats64: Record<'rx' | 'tx', { bytes: number }> }];
  return { received: link.stats64.rx.bytes, sent: link.stats64.tx.bytes };
}

/** Interfaces go with their namespaces. */
async function removeNamespaces(base: string): Promise<void> {
  for (const name of await namespaces()) {
    if (name.startsWith(`${base}-`)) await ip('netns', 'del', name);
  }
}

async function removeStale(): Promise<void> {
  for (const name of await namespaces()) {
    const pid = new RegExp(`^${PREFIX}-(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) await ip('netns', 'del', name);
  }
}

function namespaces(): Promise<string[]> {
  return readdir(NETNS_FOLDER).catch(() => []);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function ip(...args: string[]): Promise<string> {
  return run('ip', args);
}

async function run(program: string, args: readonly string[]): Promise<string> {
  return (await runTool(program, args, { maxOutput: 1 << 20 })).stdout.toString();
}
