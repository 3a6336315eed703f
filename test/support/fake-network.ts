import type { LocalNetwork } from '../../shared/swarm/local-network.js';

/** A machine in 192.168.1.0/24. */
export const HOME: LocalNetwork = {
  includes: (address) => /^(::ffff:)?(192\.168\.1\.|127\.)/.test(address),
  interfaces: () => [],
};
