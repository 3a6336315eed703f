import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { runTool } from '../../shared/io/run-tool.js';

export interface MockService {
  readonly name: string;
  readonly object: string;
  readonly interface: string;
}

export interface MockBus {
  readonly address: string;
  /** Starts python3-dbusmock as a service; resolves when its name is owned. */
  readonly serve: (service: MockService) => Promise<void>;
  /** Adds or changes a property; `value` in GVariant text, such as `<true>` or `<uint32 4>`. */
  readonly set: (service: MockService, property: string, value: string) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Starts a real bus in `folder`, on which mock services can be put. */
export async function startMockBus(folder: string): Promise<MockBus> {
  const address = `unix:path=${join(folder, 'bus')}`;
  const children: ChildProcess[] = [];
  const start = (command: string, args: string[]): ChildProcess => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, DBUS_SESSION_BUS_ADDRESS: address },
    });
    children.push(child);
    return child;
  };
  const bus = start('dbus-daemon', [
    '--session',
    '--nofork',
    '--print-address',
    `--address=${address}`,
  ]);
  if (bus.stdout) await once(createInterface(bus.stdout), 'line');
  const call = async (service: MockService, method: string, args: string[]): Promise<void> => {
    await runTool(
      'gdbus',
      [
        ...['call', '--address', address, '--dest', service.name, '--object-path', service.object],
        ...['--method', method, ...args],
      ],
      { maxOutput: 10_000 },
    );
  };
  const known = new Set<string>();
  return {
    address,
    serve: async (service) => {
      const { name, object, interface: face } = service;
      // The interpreter that Debian's modules belong to, whatever else is installed.
      start('/usr/bin/python3', ['-m', 'dbusmock', '--session', name, object, face]);
      await runTool('gdbus', ['wait', '--session', name], {
        maxOutput: 1000,
        env: { ...process.env, DBUS_SESSION_BUS_ADDRESS: address },
      });
    },
    set: async (service, property, value) => {
      const { name, interface: face } = service;
      const key = `${name} ${property}`;
      if (known.has(key)) {
        const set = 'org.freedesktop.DBus.Properties.Set';
        await call(service, set, [face, property, value]);
      } else {
        await call(service, 'org.freedesktop.DBus.Mock.AddProperty', [face, property, value]);
      }
      known.add(key);
    },
    close: async () => {
      for (const child of children.reverse()) {
        if (child.exitCode !== null) continue;
        child.kill();
        await once(child, 'exit');
      }
    },
  };
}
