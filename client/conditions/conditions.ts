import { readProperties, type BusOptions } from './read-properties.js';

/** What makes background traffic unwelcome now. What nobody on the bus knows is false. */
export interface Conditions {
  /** The link in use costs by volume: a telephone, a modem, or what the user marked so. */
  readonly metered: boolean;
  /** The machine runs on battery. */
  readonly battery: boolean;
  /** Traffic to the Internet goes through a VPN: somebody else's line, such as an employer's. */
  readonly vpn: boolean;
}

/** Conditions as they were seen last, at most half a minute ago. */
export interface ConditionsWatch extends Conditions {
  /** Calls `listener` after each change. Returns a function that ends that. */
  readonly onChange: (listener: () => void) => () => void;
  readonly close: () => void;
}

export interface ConditionsOptions extends BusOptions {
  /** Milliseconds between looks; default 30 s. */
  readonly interval?: number;
}

const INTERVAL = 30_000;

/** NetworkManager's NMMetered: 1 is "yes", 3 "guessed yes"; 0 unknown, 2 and 4 no. */
const METERED: readonly unknown[] = [1, 3];
/** NetworkManager's types of the connection that holds the default route. */
const VPN_TYPES: readonly unknown[] = ['vpn', 'wireguard', 'tun'];

/**
 * Asks NetworkManager and logind over the system bus, now and every half minute. A machine without
 * the bus, or without one of the two, is not metered, not behind a VPN, and on mains.
 */
export async function openConditions(options: ConditionsOptions = {}): Promise<ConditionsWatch> {
  const listeners = new Set<() => void>();
  let seen = await look(options, { metered: false, battery: false, vpn: false });
  let looking = false;
  const timer = setInterval(() => {
    // A bus that does not answer is asked again when it has, not in parallel.
    if (looking) return;
    looking = true;
    void look(options, seen).then((next) => {
      looking = false;
      const changed =
        next.metered !== seen.metered || next.battery !== seen.battery || next.vpn !== seen.vpn;
      seen = next;
      if (changed) for (const listener of listeners) listener();
    });
  }, options.interval ?? INTERVAL);
  timer.unref();
  return {
    get metered() {
      return seen.metered;
    },
    get battery() {
      return seen.battery;
    },
    get vpn() {
      return seen.vpn;
    },
    onChange: (listener) => {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    close: () => {
      clearInterval(timer);
      listeners.clear();
    },
  };
}

/** What a service does not tell this time is as it was: silence is no sign of a free line. */
async function look(options: ConditionsOptions, seen: Conditions): Promise<Conditions> {
  const [network, power] = await Promise.all([
    readProperties(
      {
        service: 'org.freedesktop.NetworkManager',
        object: '/org/freedesktop/NetworkManager',
        interface: 'org.freedesktop.NetworkManager',
        names: ['Metered', 'PrimaryConnectionType'],
      },
      options,
    ),
    readProperties(
      {
        service: 'org.freedesktop.login1',
        object: '/org/freedesktop/login1',
        interface: 'org.freedesktop.login1.Manager',
        names: ['OnExternalPower'],
      },
      options,
    ),
  ]);
  return {
    metered: network.length === 0 ? seen.metered : METERED.includes(network[0]),
    vpn: network.length === 0 ? seen.vpn : VPN_TYPES.includes(network[1]),
    battery: power.length === 0 ? seen.battery : power[0] === false,
  };
}
