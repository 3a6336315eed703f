import { expect, test } from 'vitest';

import { openConditions } from '../../../client/conditions/conditions.js';
import { closing, temporaryFolder } from '../../support/cleanup.js';
import { startMockBus, type MockBus, type MockService } from '../../support/mock-bus.js';
import { needs } from '../../support/needs.js';

const NETWORK_MANAGER: MockService = {
  name: 'org.freedesktop.NetworkManager',
  object: '/org/freedesktop/NetworkManager',
  interface: 'org.freedesktop.NetworkManager',
};
const LOGIND: MockService = {
  name: 'org.freedesktop.login1',
  object: '/org/freedesktop/login1',
  interface: 'org.freedesktop.login1.Manager',
};

const CALM = { metered: false, battery: false, vpn: false };

const describeHere = await needs('dbus-daemon', 'busctl', 'gdbus');

describeHere('conditions on a real bus', () => {
  const machine = async (): Promise<MockBus> => {
    const bus = closing(await startMockBus(await temporaryFolder()));
    await bus.serve(NETWORK_MANAGER);
    await bus.serve(LOGIND);
    await bus.set(NETWORK_MANAGER, 'Metered', '<uint32 4>');
    await bus.set(NETWORK_MANAGER, 'PrimaryConnectionType', "<'802-11-wireless'>");
    await bus.set(LOGIND, 'OnExternalPower', '<true>');
    return bus;
  };
  const look = async (bus: MockBus): Promise<object> => {
    const { metered, battery, vpn } = closing(await openConditions({ bus: bus.address }));
    return { metered, battery, vpn };
  };

  test('each value of NetworkManager and logind', async () => {
    const bus = await machine();
    expect(await look(bus)).toEqual(CALM);
    for (const [value, metered] of [
      [0, false],
      [1, true],
      [2, false],
      [3, true],
    ] as const) {
      await bus.set(NETWORK_MANAGER, 'Metered', `<uint32 ${value}>`);
      expect(await look(bus)).toEqual({ ...CALM, metered });
    }
    await bus.set(NETWORK_MANAGER, 'Metered', '<uint32 4>');
    await bus.set(NETWORK_MANAGER, 'PrimaryConnectionType', "<'wireguard'>");
    expect(await look(bus)).toEqual({ ...CALM, vpn: true });
    await bus.set(LOGIND, 'OnExternalPower', '<false>');
    expect(await look(bus)).toEqual({ ...CALM, vpn: true, battery: true });
  });

  test('a change is told', async () => {
    const bus = await machine();
    const watch = closing(await openConditions({ bus: bus.address, interval: 50 }));
    const changed = new Promise<void>((resolve) => watch.onChange(resolve));
    await bus.set(LOGIND, 'OnExternalPower', '<false>');
    await changed;
    expect(watch.battery).toBe(true);
  });

  test('a bus without the services, and no bus at all, mean nothing unusual', async () => {
    const bus = closing(await startMockBus(await temporaryFolder()));
    expect(await look(bus)).toEqual(CALM);
    const { metered, battery, vpn } = closing(await openConditions({ bus: 'unix:path=/no/bus' }));
    expect({ metered, battery, vpn }).toEqual(CALM);
  });

  test('a service that answers with other types means nothing unusual', async () => {
    const bus = closing(await startMockBus(await temporaryFolder()));
    await bus.serve(NETWORK_MANAGER);
    await bus.set(NETWORK_MANAGER, 'Metered', "<'yes'>");
    await bus.set(NETWORK_MANAGER, 'PrimaryConnectionType', '<[1, 2]>');
    expect(await look(bus)).toEqual(CALM);
  });
});
