import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { parseMessage, type DaemonRequest } from './scripted-daemon.js';

const RELAY = fileURLToPath(new URL('../../packaging/apt-method/relay', import.meta.url));

export type Message = DaemonRequest;

/** Our acquire method, driven as apt drives it; the stock method behind it is this machine's. */
export interface MethodProcess {
  readonly pid: number;
  /** Everything that it has said, from its capabilities on. */
  readonly messages: readonly Message[];
  send(firstLine: string, fields: Readonly<Record<string, string>>): void;
  /** Waits for a message with this code, 200, 201, 400 …, about this URI. */
  answer(code: number, uri: string): Promise<Message>;
  /** Closes its input. */
  end(): void;
  kill(signal: NodeJS.Signals): void;
  /** Its exit status; null after a signal. */
  readonly ended: Promise<number | null>;
  readonly stderr: () => string;
}

/** `config`: lines of apt's configuration, `NAME=VALUE`. */
export async function startMethod(config: readonly string[]): Promise<MethodProcess> {
  const child = spawn(RELAY, ['http'], { stdio: ['pipe', 'pipe', 'pipe'] });
  const messages: Message[] = [];
  const waiting = new Set<() => void>();
  let text = '';
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.on('error', () => undefined);
  child.stdout.on('data', (chunk: Buffer) => {
    const parts = (text + chunk.toString()).split('\n\n');
    text = parts.pop() ?? '';
    messages.push(...parts.map(parseMessage));
    for (const wake of waiting) wake();
  });
  const ended = once(child, 'close').then(([status]) => status as number | null);
  const find = (wanted: (message: Message) => boolean): Promise<Message> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = messages.find(wanted);
        if (found === undefined) return;
        waiting.delete(look);
        resolve(found);
      };
      void ended.then(() => {
        reject(new Error(`the method ended: ${stderr}${JSON.stringify(messages.slice(-3))}`));
      });
      waiting.add(look);
      look();
    });
  const send = (firstLine: string, lines: readonly string[]): void => {
    child.stdin.write([firstLine, ...lines, '', ''].join('\n'));
  };
  await find(({ firstLine }) => firstLine.startsWith('100 '));
  send(
    '601 Configuration',
    config.map((line) => `Config-Item: ${line}`),
  );
  return {
    pid: child.pid ?? 0,
    messages,
    send: (firstLine, fields) => {
      const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`);
      send(firstLine, lines);
    },
    answer: (code, uri) =>
      find(({ firstLine, fields }) => firstLine.startsWith(`${code} `) && fields['URI'] === uri),
    end: () => child.stdin.end(),
    kill: (signal) => child.kill(signal),
    ended,
    stderr: () => stderr,
  };
}
