import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { DebshoalError } from '../../shared/errors.js';
import { encodeMetrics, METRICS_TYPE, type Metric } from './metrics.js';

export interface RunningMetrics {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** A monitoring server asks in turn; whoever opens more is none. */
const MAX_CONNECTIONS = 16;

/**
 * Answers `GET /metrics`, on an address of its own: what it tells is nobody's business. Fails with
 * `io-failed` when the address is taken.
 */
export async function serveMetrics(
  { host, port }: { readonly host: string; readonly port: number },
  collect: () => Promise<readonly Metric[]>,
): Promise<RunningMetrics> {
  const server = createServer((request, response) => {
    response.on('error', () => undefined);
    if (request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end();
      return;
    }
    collect()
      .then((metrics) => {
        response.writeHead(200, { 'content-type': METRICS_TYPE }).end(encodeMetrics(metrics));
      })
      .catch(() => {
        response.writeHead(500).end();
      });
  });
  server.maxConnections = MAX_CONNECTIONS;
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (cause) {
    throw new DebshoalError('io-failed', `cannot listen on ${host}:${port}`, { cause });
  }
  const name = host.includes(':') ? `[${host}]` : host;
  return {
    url: `http://${name}:${(server.address() as AddressInfo).port}/metrics`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}
