import { Agent as HttpAgent, get as httpGet, type Agent, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, get as httpsGet } from 'node:https';

import { DebshoalError } from '../../shared/errors.js';
import { isErrno } from '../../shared/io/errno.js';
import type { ByteRange } from '../../shared/io/byte-ranges.js';
import { shownUrl } from '../../shared/io/shown-url.js';
import { environmentProxy, openProxyAgents, type FindProxy } from './proxies.js';
import { steadyBody, TooSlowError } from './steady-body.js';

const MAX_REDIRECTS = 5;
const DEFAULT_STALL = 20_000;
/** How often that long a server may take for the head of its answer, and for a whole document. */
const HEAD_STALLS = 3;
const DOCUMENT_STALLS = 30;

export interface HttpOptions {
  /** Milliseconds without a byte, or with hardly any, after which a server counts as dead; default 20 s. */
  readonly stallMilliseconds?: number;
  readonly userAgent?: string;
  /** Default: what the environment names. */
  readonly findProxy?: FindProxy;
}

/** Connections that are kept open between requests, until `close`. */
export interface HttpClient {
  readonly open: (url: string, headers: Headers, signal?: AbortSignal) => Promise<IncomingMessage>;
  readonly stallMilliseconds: number;
  readonly close: () => void;
}

type Headers = Readonly<Record<string, string>>;

/**
 * Makes an HTTP client. Its requests fail with `http-failed`, or with the reason of the abort. A
 * server that let one request wait in vain is not asked again: a run with hundreds of packages
 * would wait as often.
 */
export function createHttpClient(options: HttpOptions = {}): HttpClient {
  const agents = {
    http: new HttpAgent({ keepAlive: true }),
    https: new HttpsAgent({ keepAlive: true }),
  };
  const findProxy = options.findProxy ?? environmentProxy;
  const stall = options.stallMilliseconds ?? DEFAULT_STALL;
  const silent = new Set<string>();

  const proxies = openProxyAgents();
  const agentFor = async (url: URL): Promise<Agent> => {
    const proxy = await findProxy(url);
    if (proxy !== null) return proxies.agentFor(proxy, url);
    return url.protocol === 'https:' ? agents.https : agents.http;
  };
  const request = async (
    url: URL,
    headers: Headers,
    signal?: AbortSignal,
  ): Promise<IncomingMessage> => {
    const agent = await agentFor(url);
    return new Promise((resolve, reject) => {
      if (silent.has(url.origin)) {
        reject(failed(url.href, 'its server has let another request wait in vain'));
        return;
      }
      const secure = url.protocol === 'https:';
      let answered = false;
      const sent = (secure ? httpsGet : httpGet)(
        url,
        {
          agent,
          timeout: stall,
          ...(signal === undefined ? {} : { signal }),
          headers: {
            'user-agent': options.userAgent ?? 'debshoal',
            // Lengths are exact only without a content coding.
            'accept-encoding': 'identity',
            ...headers,
          },
        },
        (response) => {
          answered = true;
          clearTimeout(timer);
          // It was only slow: what was asked in the meantime has an answer.
          silent.delete(url.origin);
          resolve(response);
        },
      );
      const giveUp = (what: string): void => {
        silent.add(url.origin);
        sent.destroy(failed(url.href, what));
      };
      // Interim answers (1xx) and a head that drips are something, and may go on for ever.
      let timer: NodeJS.Timeout | undefined;
      sent.once('socket', () => {
        timer = setTimeout(giveUp, HEAD_STALLS * stall, 'its answer does not begin');
      });
      sent.on('timeout', () => {
        giveUp(`nothing came for ${stall} ms`);
      });
      sent.on('error', (error) => {
        clearTimeout(timer);
        // Whoever reads the body hears of it there.
        if (answered) return;
        // The server had ended the connection that was kept; a new one is as good.
        if (sent.reusedSocket && isErrno(error, 'ECONNRESET', 'EPIPE')) {
          resolve(request(url, headers, signal));
        } else reject(wrap(error, url.href, signal));
      });
    });
  };

  const open: HttpClient['open'] = async (url, headers, signal) => {
    let target = parseUrl(url, null);
    for (let redirects = 0; ; redirects++) {
      const response = await request(target, headers, signal);
      const { statusCode = 0, headers: received } = response;
      if (statusCode < 300 || statusCode >= 400 || received.location === undefined) return response;
      response.destroy();
      if (redirects >= MAX_REDIRECTS) throw failed(url, 'too many redirects');
      target = parseUrl(received.location, target);
    }
  };

  return {
    open,
    stallMilliseconds: stall,
    close: () => {
      agents.http.destroy();
      agents.https.destroy();
      proxies.close();
    },
  };
}

/**
 * Fetches a document of at most `maxLength` bytes. Null when the server says that there is none
 * (404 or 410). Fails with `http-failed`, also when it takes ten minutes (with the default stall), or
 * `limit-exceeded` when it is longer.
 */
export async function getBounded(
  client: HttpClient,
  url: string,
  maxLength: number,
  signal?: AbortSignal,
): Promise<Buffer | null> {
  const response = await client.open(url, {}, signal);
  const limit = DOCUMENT_STALLS * client.stallMilliseconds;
  const timer = setTimeout(() => {
    response.destroy(failed(url, `not there after ${limit / 1000} s`));
  }, limit);
  try {
    const status = response.statusCode ?? 0;
    if (status === 404 || status === 410) return null;
    if (status !== 200) throw refused(url, status);
    const announced = lengthOf(response, url);
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of bodyOf(response, url, client, signal)) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > maxLength) {
        throw new DebshoalError('limit-exceeded', `${shownUrl(url)}: more than ${maxLength} bytes`);
      }
    }
    if (announced !== null && announced !== length) throw failed(url, 'the body was cut');
    return Buffer.concat(chunks, length);
  } finally {
    clearTimeout(timer);
    response.destroy();
  }
}

export interface RangeRequest extends ByteRange {
  readonly url: string;
  /** Of the whole object; the server must agree. */
  readonly size: number;
  /** Takes bytes for `offset` of the object, in order; backpressure through its promise. */
  readonly write: (offset: number, bytes: Buffer) => Promise<void>;
}

/**
 * Fetches a range of an object of known size. A server that ignores Range is accepted when it sends
 * the whole object with exactly the expected length; then everything is written, not only the
 * range. Anything else (another length, an HTML page, a cut or endless body, a stall) fails with
 * `http-failed`.
 */
export async function fetchRange(
  client: HttpClient,
  request: RangeRequest,
  signal?: AbortSignal,
): Promise<void> {
  const { url, start, end, size, write } = request;
  const whole = start === 0 && end === size;
  const headers: Headers = whole ? {} : { range: `bytes=${start}-${end - 1}` };
  const response = await client.open(url, headers, signal);
  try {
    const bounds = boundsOf(response, request);
    const announced = lengthOf(response, url);
    if (announced !== null && announced !== bounds.end - bounds.start) {
      throw failed(url, `${announced} bytes instead of ${bounds.end - bounds.start}`);
    }
    let offset = bounds.start;
    for await (const chunk of bodyOf(response, url, client, signal)) {
      if (offset + chunk.length > bounds.end) throw failed(url, 'more bytes than asked for');
      await write(offset, chunk);
      offset += chunk.length;
    }
    if (offset !== bounds.end) throw failed(url, 'the body was cut');
  } finally {
    // After a complete body this returns the connection to the pool, otherwise it ends it.
    response.destroy();
  }
}

/** Which bytes a response promises (RFC 9110 §14.4, §15.3.7). */
function boundsOf(response: IncomingMessage, { url, start, end, size }: RangeRequest): ByteRange {
  if (response.headers['content-encoding'] !== undefined) throw failed(url, 'a content coding');
  if (response.statusCode === 200) return { start: 0, end: size };
  if (response.statusCode !== 206) throw refused(url, response.statusCode ?? 0);
  const expected = `bytes ${start}-${end - 1}/${size}`;
  if (response.headers['content-range'] !== expected) {
    throw failed(url, `range ${String(response.headers['content-range'])} instead of ${expected}`);
  }
  return { start, end };
}

function lengthOf(response: IncomingMessage, url: string): number | null {
  const text = response.headers['content-length'];
  if (text === undefined) return null;
  if (!/^\d{1,15}$/.test(text)) throw failed(url, 'a bad Content-Length');
  return Number(text);
}

async function* bodyOf(
  response: IncomingMessage,
  url: string,
  { stallMilliseconds }: HttpClient,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer> {
  try {
    yield* steadyBody(response, stallMilliseconds);
  } catch (error) {
    throw wrap(error, url, signal);
  }
}

function parseUrl(url: string, base: URL | null): URL {
  let parsed;
  try {
    parsed = new URL(url, base ?? undefined);
  } catch {
    throw new DebshoalError('http-failed', `no URL: ${shownUrl(url)}`);
  }
  // A redirect to file: or to plain HTTP from a secure page is an attack or a mistake.
  const downgrade = base?.protocol === 'https:' && parsed.protocol !== 'https:';
  if (!['http:', 'https:'].includes(parsed.protocol) || downgrade) {
    throw failed(url, 'not an HTTP address, or less secure than the page that led there');
  }
  return parsed;
}

function wrap(error: unknown, url: string, signal: AbortSignal | undefined): Error {
  const known = error instanceof DebshoalError || signal?.aborted === true;
  if (known && error instanceof Error) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new DebshoalError('http-failed', `${shownUrl(url)}: ${message}`, { cause: error });
}

/** What a server may give another time: "try later" and its own errors (RFC 9110, §15.6). */
const PASSING_STATUS = [408, 429, 500, 502, 503, 504];
const PASSING_ERRORS = ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN'] as const;

/** Whether it is worth while to ask the same server for the same again. */
export function mayPass(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : null;
  if (cause instanceof StatusError) return PASSING_STATUS.includes(cause.status);
  return cause instanceof TooSlowError || isErrno(cause, ...PASSING_ERRORS);
}

/** The cause of a failure: what the server answered. */
class StatusError extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`status ${status}`);
    this.status = status;
  }
}

function refused(url: string, status: number): DebshoalError {
  const cause = new StatusError(status);
  return new DebshoalError('http-failed', `${shownUrl(url)}: ${cause.message}`, { cause });
}

function failed(url: string, what: string): DebshoalError {
  return new DebshoalError('http-failed', `${shownUrl(url)}: ${what}`);
}
