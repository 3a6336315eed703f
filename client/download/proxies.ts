import type { Agent } from 'node:http';

import { HttpProxyAgent } from 'http-proxy-agent';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { getProxyForUrl } from 'proxy-from-env';

import { DebshoalError } from '../../shared/errors.js';
import { shownUrl } from '../../shared/io/shown-url.js';

/** Names the proxy for an address; null: none. */
export type FindProxy = (url: URL) => Promise<string | null>;

/** `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`, as curl and apt read them. */
export const environmentProxy: FindProxy = (url) =>
  Promise.resolve(getProxyForUrl(url.href) || null);

/** The connections to proxies, kept open between requests. */
export interface ProxyAgents {
  /** Fails with `config-invalid` for a proxy that is none of HTTP or HTTPS. */
  readonly agentFor: (proxy: string, target: URL) => Agent;
  readonly close: () => void;
}

export function openProxyAgents(): ProxyAgents {
  const agents = new Map<string, Agent>();
  return {
    agentFor: (proxy, { protocol }) => {
      const key = `${protocol} ${proxy}`;
      const agent = agents.get(key) ?? makeAgent(proxy, protocol);
      agents.set(key, agent);
      return agent;
    },
    close: () => {
      for (const agent of agents.values()) agent.destroy();
    },
  };
}

function makeAgent(proxy: string, protocol: string): Agent {
  if (!URL.canParse(proxy) || !['http:', 'https:'].includes(new URL(proxy).protocol)) {
    throw new DebshoalError(
      'config-invalid',
      `not the address of an HTTP proxy: ${shownUrl(proxy)}`,
    );
  }
  const options = { keepAlive: true };
  // Content of https: goes through a tunnel, which the proxy cannot look into.
  return protocol === 'https:'
    ? new HttpsProxyAgent(proxy, options)
    : new HttpProxyAgent(proxy, options);
}
