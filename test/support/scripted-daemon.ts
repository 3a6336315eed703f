import { once } from 'node:events';
import { chmod } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';

/** What a method wrote; fields by name. */
export interface DaemonRequest {
  readonly firstLine: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** What is done about one request; the default is silence. */
export type Answer = (request: DaemonRequest, socket: Socket) => void;

export interface ScriptedDaemon {
  readonly requests: readonly DaemonRequest[];
  /** Connections that are open now. */
  readonly open: () => number;
  answer: Answer;
  close(): Promise<void>;
}

/** Listens where the daemon would and says what a test wants (client/service/PROTOCOL.md). */
export async function startScriptedDaemon(path: string, answer: Answer): Promise<ScriptedDaemon> {
  const requests: DaemonRequest[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    let text = '';
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      text += chunk.toString();
      if (!text.endsWith('\n\n')) return;
      const request = parseMessage(text);
      text = '';
      requests.push(request);
      daemon.answer(request, socket);
    });
  });
  const daemon: ScriptedDaemon = {
    requests,
    open: () => sockets.size,
    answer,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  server.listen(path);
  await once(server, 'listening');
  await chmod(path, 0o666);
  return daemon;
}

/** One message as apt, its methods and the daemon write them. */
export function parseMessage(text: string): DaemonRequest {
  const [firstLine = '', ...lines] = text.trimEnd().split('\n');
  const fields = lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1).trim()] as const;
  });
  return { firstLine, fields: Object.fromEntries(fields) };
}

/** `200 URI Start` with these bytes; `size` where it shall lie. */
export function give(content: Buffer, size = content.length): Answer {
  return (_, socket) => {
    socket.write(`200 URI Start\nSize: ${size}\n\n`);
    socket.end(content);
  };
}

export const MISS: Answer = (_, socket) => {
  socket.end('400 URI Failure\nMessage: no delta from the installed version\n\n');
};
