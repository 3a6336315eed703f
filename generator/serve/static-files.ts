import { constants, open, realpath, type FileHandle } from 'node:fs/promises';
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';

import { DebshoalError } from '../../shared/errors.js';
import { metalinkPath } from '../../shared/index/layout.js';
import { exists } from '../../shared/io/files.js';
import { byteThrottle, type ByteThrottle } from './byte-throttle.js';
import { parseRange } from './range-header.js';
import { cacheControl } from './served-kinds.js';

export interface StaticOptions {
  readonly host: string;
  readonly port: number;
  /** Over all responses together. */
  readonly bytesPerSecond?: number;
  readonly onRequest?: (request: ServedRequest) => void;
}

/** For a log: what was asked and what was answered. */
export interface ServedRequest {
  readonly method: string;
  readonly url: string;
  readonly status: number;
  /** Bytes of the body that were sent, or were about to be when the client left. */
  readonly bytes: number;
  /** False when the client left before the end, or the file could not be read. */
  readonly complete: boolean;
  readonly address: string;
}

export interface RunningStatic {
  readonly port: number;
  readonly close: () => Promise<void>;
}

const IDLE_TIMEOUT = 120_000;

const METALINK_TYPE = 'application/metalink4+xml';

const TYPES: Readonly<Record<string, string>> = {
  '.deb': 'application/vnd.debian.binary-package',
  '.torrent': 'application/x-bittorrent',
  '.meta4': METALINK_TYPE,
  '.gz': 'application/gzip',
  '.xz': 'application/x-xz',
  '.html': 'text/html; charset=utf-8',
};

/**
 * Serves the regular files below `folder` with GET and HEAD, single ranges and conditional ranges.
 * Fails with `io-failed` when the address is taken or the folder does not exist.
 */
export async function serveStatic(folder: string, options: StaticOptions): Promise<RunningStatic> {
  const root = await realpath(folder).catch((cause: unknown) => {
    throw new DebshoalError('io-failed', `cannot serve ${folder}`, { cause });
  });
  const throttle = byteThrottle(options.bytesPerSecond);
  const server = createServer((request, response) => {
    response.on('error', () => undefined);
    answer(root, request, response, throttle)
      .catch((): Answered => {
        if (!response.headersSent) response.writeHead(500);
        response.destroy();
        return { bytes: 0, complete: false };
      })
      .then((answered) => {
        options.onRequest?.({
          method: request.method ?? '',
          url: request.url ?? '',
          status: response.statusCode,
          ...answered,
          address: request.socket.remoteAddress ?? '',
        });
      })
      .catch(() => undefined);
  });
  // A client that reads nothing must not hold a file and a connection for ever.
  server.timeout = IDLE_TIMEOUT;
  await listen(server, options);
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

type Answered = Pick<ServedRequest, 'bytes' | 'complete'>;

const NO_BODY: Answered = { bytes: 0, complete: true };

async function answer(
  root: string,
  request: IncomingMessage,
  response: ServerResponse,
  throttle: ByteThrottle,
): Promise<Answered> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return refuse(response, 405, { allow: 'GET, HEAD' });
  }
  const file = await openBelow(root, request.url ?? '');
  if (file === null) return refuse(response, 404);
  try {
    const { size, mtime, ino } = await file.stat();
    // Files are replaced by rename, so a new content has a new inode.
    const etag = `"${ino.toString(16)}-${size.toString(16)}-${mtime.getTime().toString(16)}"`;
    const cache = cacheControl(request.url ?? '');
    const headers = {
      etag,
      ...(cache !== null && { 'cache-control': cache }),
      'last-modified': mtime.toUTCString(),
      'accept-ranges': 'bytes',
      'content-type': TYPES[extname(request.url ?? '')] ?? 'application/octet-stream',
      'x-content-type-options': 'nosniff',
      ...(await linkToMetalink(root, request.url ?? '')),
    };
    if (isUnchanged(request, etag, mtime)) {
      response.writeHead(304, headers).end();
      return NO_BODY;
    }
    const range = parseRange(request.headers.range, size);
    const asked = conditionHolds(request, etag, mtime) ? range : null;
    if (asked === 'unsatisfiable') {
      return refuse(response, 416, { 'content-range': `bytes */${size}` });
    }
    const { start, end } = asked ?? { start: 0, end: size };
    response.writeHead(asked === null ? 200 : 206, {
      ...headers,
      'content-length': end - start,
      ...(asked === null ? {} : { 'content-range': `bytes ${start}-${end - 1}/${size}` }),
    });
    if (request.method === 'HEAD' || start === end) {
      response.end();
      return NO_BODY;
    }
    const body = file.createReadStream({ start, end: end - 1, autoClose: false });
    try {
      await pipeline(body, throttle, response);
    } catch {
      // The response is destroyed; what the client has got counts.
      return { bytes: body.bytesRead, complete: false };
    }
    return { bytes: end - start, complete: true };
  } finally {
    await file.close();
  }
}

/** RFC 6249 §4: whoever has a file's address finds its metalink. */
async function linkToMetalink(root: string, url: string): Promise<OutgoingHttpHeaders> {
  const parts = pathParts(url);
  if (parts === null || !(await exists(join(root, metalinkPath(join(...parts)))))) return {};
  const name = metalinkPath(encodeURIComponent(parts.at(-1) ?? ''));
  return { link: `<${name}>; rel=describedby; type="${METALINK_TYPE}"` };
}

/**
 * Opens the regular file that a request names. The path is decoded once and checked by its parts,
 * then again after all symbolic links: neither `..`, nor its encodings, nor a link leads outside.
 */
async function openBelow(root: string, url: string): Promise<FileHandle | null> {
  const parts = pathParts(url);
  if (parts === null) return null;
  try {
    const path = await realpath(join(root, ...parts));
    if (!path.startsWith(root + sep)) return null;
    // A link may point at a hidden file of the same folder.
    if (path.slice(root.length).includes(`${sep}.`)) return null;
    // Not blocking: opening a named pipe would wait for its writer.
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if ((await file.stat()).isFile()) return file;
    await file.close();
    return null;
  } catch {
    return null;
  }
}

function pathParts(url: string): string[] | null {
  const path = /^\/([^?#]*)/.exec(url)?.[1];
  if (path === undefined) return null;
  try {
    const parts = path.split('/').map(decodeURIComponent);
    // Hidden files are none of the public's business, and `.` and `..` begin with a dot too.
    const bad = parts.some((part) => part === '' || part.startsWith('.') || /[/\\\0]/.test(part));
    return bad ? null : parts;
  } catch {
    return null;
  }
}

function isUnchanged(request: IncomingMessage, etag: string, mtime: Date): boolean {
  const { 'if-none-match': match, 'if-modified-since': since } = request.headers;
  if (match !== undefined) return match === '*' || match.split(/\s*,\s*/).includes(etag);
  return since !== undefined && seconds(mtime) <= seconds(new Date(since));
}

/** RFC 9110 §13.1.5: a range of another version than the client has would corrupt its file. */
function conditionHolds(request: IncomingMessage, etag: string, mtime: Date): boolean {
  const condition = request.headers['if-range'];
  if (typeof condition !== 'string') return true;
  if (condition.startsWith('"')) return condition === etag;
  return seconds(new Date(condition)) === seconds(mtime);
}

function seconds(date: Date): number {
  return Math.floor(date.getTime() / 1000);
}

function refuse(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>> = {},
): Answered {
  response.writeHead(status, { ...headers, 'content-length': 0 }).end();
  return NO_BODY;
}

function listen(server: Server, { host, port }: StaticOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new DebshoalError('io-failed', `cannot listen on ${host}:${port}`, { cause }));
    });
    server.listen(port, host, () => {
      resolve();
    });
  });
}
