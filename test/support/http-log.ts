import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, normalize } from 'node:path';
import { pipeline } from 'node:stream/promises';

interface LoggedRequest {
  readonly method: string;
  /** Decoded, without the query. */
  readonly path: string;
  readonly range: string | null;
  readonly status: number;
  /** Bytes of the body that were to be sent. */
  readonly bytes: number;
}

export interface HttpLog {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly requests: readonly LoggedRequest[];
  forget(): void;
  close(): Promise<void>;
}

/** May answer a request in another way, or not at all; false lets the file be served. */
export type Misbehave = (path: string, response: ServerResponse) => boolean;

/** Serves the files of `folder` on the loopback and notes every request, in order of arrival. */
export async function serveWithLog(
  folder: string,
  misbehave: Misbehave = () => false,
): Promise<HttpLog> {
  let requests: LoggedRequest[] = [];
  const server = createServer((request, response) => {
    if (misbehave(pathOf(request), response)) return;
    answer(folder, request, response, (logged) => requests.push(logged)).catch(() =>
      response.destroy(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    get requests() {
      return requests;
    },
    forget: () => (requests = []),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function answer(
  folder: string,
  request: IncomingMessage,
  response: ServerResponse,
  log: (logged: LoggedRequest) => void,
): Promise<void> {
  const path = pathOf(request);
  const file = join(folder, normalize(`/${path}`));
  const range = request.headers.range ?? null;
  const method = request.method ?? '';
  const found = await stat(file).catch(() => null);
  const finish = (status: number, bytes: number): void => {
    log({ method, path, range, status, bytes });
    response.statusCode = status;
    response.setHeader('Content-Length', bytes);
  };
  if (found === null || !found.isFile()) {
    finish(404, 0);
    response.end();
    return;
  }
  const modified = new Date(Math.floor(found.mtimeMs / 1000) * 1000);
  response.setHeader('Last-Modified', modified.toUTCString());
  response.setHeader('Accept-Ranges', 'bytes');
  const since = Date.parse(request.headers['if-modified-since'] ?? '');
  if (since >= modified.getTime()) {
    finish(304, 0);
    response.end();
    return;
  }
  const part = wantedPart(request, found.size, modified);
  if (part !== null && part.start >= found.size) {
    response.setHeader('Content-Range', `bytes */${found.size}`);
    finish(416, 0);
    response.end();
    return;
  }
  const { start, end } = part ?? { start: 0, end: found.size - 1 };
  if (part !== null) response.setHeader('Content-Range', `bytes ${start}-${end}/${found.size}`);
  finish(part === null ? 200 : 206, end - start + 1);
  if (method === 'HEAD' || found.size === 0) response.end();
  else await pipeline(createReadStream(file, { start, end }), response);
}

function pathOf(request: IncomingMessage): string {
  return decodeURIComponent((request.url ?? '/').split('?')[0] ?? '/');
}

/** One `bytes=START-[END]` range, void when If-Range names another time (RFC 9110, 13.1.5). */
function wantedPart(
  request: IncomingMessage,
  size: number,
  modified: Date,
): { start: number; end: number } | null {
  const [, start, end] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  const ifRange = request.headers['if-range'];
  if (start === undefined) return null;
  if (ifRange !== undefined && Date.parse(String(ifRange)) !== modified.getTime()) return null;
  const last = end === undefined || end === '' ? size - 1 : Math.min(Number(end), size - 1);
  return { start: Number(start), end: last };
}
