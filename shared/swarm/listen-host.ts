import net, { type Server } from 'node:net';

/**
 * WebTorrent always listens on `::`. Its server is made and bound inside the constructor, so for
 * that moment the server it gets binds to `host`.
 */
export function withListenHost<T>(host: string, construct: () => T): T {
  const original = net.createServer;
  net.createServer = (): Server => {
    const server = original({ noDelay: true });
    const listen = server.listen.bind(server);
    server.listen = ((port: number, done: () => void) => listen(port, host, done)) as never;
    return server;
  };
  try {
    return construct();
  } finally {
    net.createServer = original;
  }
}
