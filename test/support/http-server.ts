import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createServer as createHttpServer, type RequestListener } from 'node:http';

export interface TestServer {
  readonly url: string;
  readonly requests: () => number;
  readonly connections: () => number;
  readonly close: () => Promise<void>;
}

/** An HTTP server on loopback that answers with `listener`. */
export async function startHttpServer(listener: RequestListener): Promise<TestServer> {
  let requests = 0;
  let connections = 0;
  const server = createHttpServer((request, response) => {
    requests++;
    listener(request, response);
  });
  server.on('connection', () => connections++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: () => requests,
    connections: () => connections,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Serves the contents by path, with single ranges; at most `bytesPerSecond` per response. */
export function serving(
  contents: Readonly<Record<string, Buffer>>,
  bytesPerSecond = Infinity,
): RequestListener {
  return (request, response) => {
    const content = contents[request.url ?? ''];
    if (content === undefined) {
      response.writeHead(404).end('no such thing');
      return;
    }
    const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
    const [start, end] = match ? [Number(match[1]), Number(match[2])] : [0, content.length - 1];
    response.writeHead(match ? 206 : 200, {
      'content-length': end - start + 1,
      ...(match ? { 'content-range': `bytes ${start}-${end}/${content.length}` } : {}),
    });
    const body = content.subarray(start, end + 1);
    if (bytesPerSecond === Infinity) {
      response.end(body);
      return;
    }
    let at = 0;
    const timer = setInterval(() => {
      response.write(body.subarray(at, (at += bytesPerSecond / 50)));
      if (at >= body.length) response.end();
    }, 20);
    response.on('close', () => {
      clearInterval(timer);
    });
  };
}

/** A TCP server that sends these bytes for any request, then hangs or ends the connection. */
export async function startRawServer(
  answer: string | Buffer,
  then: 'end' | 'hang',
): Promise<TestServer> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.write(answer);
      if (then === 'end') socket.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: () => connections,
    connections: () => connections,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
