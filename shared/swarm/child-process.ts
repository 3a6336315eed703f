import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { DebshoalError } from '../errors.js';
import type { ChildOptions, FromChild, ToChild } from './messages.js';

/** Half a second of work, on a machine that may be busy booting. */
const START_TIMEOUT = 30_000;
const CLOSE_TIMEOUT = 1000;
const PING_INTERVAL = 2000;
/** A child that answers nothing for so long is in an endless loop. */
const PONG_TIMEOUT = 20_000;
/** Enough for hundreds of torrents; a peer that makes the child hoard memory ends the child. */
const MAX_HEAP_MIB = 512;
const STDERR_KEPT = 2000;

/** A running child with its WebTorrent listening. */
export interface SwarmChild {
  readonly port: number;
  /** Null if it never started. */
  readonly pid: number | null;
  /** Messages to a child that is gone are dropped. */
  readonly send: (message: ToChild) => void;
  /** Ends the child, after a second with SIGKILL. */
  readonly close: () => Promise<void>;
}

export interface ChildListeners {
  readonly onMessage: (message: FromChild) => void;
  /** Once, when the child has ended without `close`. */
  readonly onDeath: (reason: string) => void;
}

/** Forks the child and waits until it listens; fails with `swarm-failed`. */
export function startChild(options: ChildOptions, listeners: ChildListeners): Promise<SwarmChild> {
  const child = fork(childPath(), [], {
    serialization: 'advanced',
    execArgv: [`--max-old-space-size=${MAX_HEAP_MIB}`],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const send = (message: ToChild): void => {
    if (child.connected) child.send(message, () => undefined);
  };
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-STDERR_KEPT);
  });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => {
      resolve();
    });
    child.once('error', () => {
      resolve();
    });
  });
  let closing = false;
  const close = async (): Promise<void> => {
    closing = true;
    send({ kind: 'close' });
    const timer = setTimeout(() => child.kill('SIGKILL'), CLOSE_TIMEOUT);
    await exited;
    clearTimeout(timer);
  };

  return new Promise((resolve, reject) => {
    const startTimer = setTimeout(() => child.kill('SIGKILL'), START_TIMEOUT);
    let started = false;
    child.on('message', (message: FromChild) => {
      if (message.kind === 'started' && !started) {
        started = true;
        clearTimeout(startTimer);
        watchPulse(child, send);
        resolve({ port: message.port, pid: child.pid ?? null, send, close });
      }
      listeners.onMessage(message);
    });
    void exited.then(() => {
      clearTimeout(startTimer);
      const reason = `the swarm process ended: ${stderr.trim() || 'killed'}`;
      if (!started) reject(startFailure(reason, options.port));
      else if (!closing) listeners.onDeath(reason);
    });
    send({ kind: 'start', options });
  });
}

function startFailure(reason: string, port: number): DebshoalError {
  if (!reason.includes('EADDRINUSE')) return new DebshoalError('swarm-failed', reason);
  return new DebshoalError('swarm-failed', `port ${port} is taken`, {
    hint: `another program uses port ${port}: set another one with Port:, 0 is any that is free`,
  });
}

function watchPulse(child: ChildProcess, send: (message: ToChild) => void): void {
  let last = Date.now();
  child.on('message', (message: FromChild) => {
    if (message.kind === 'pong') last = Date.now();
  });
  const timer = setInterval(() => {
    if (Date.now() - last > PONG_TIMEOUT) child.kill('SIGKILL');
    else send({ kind: 'ping' });
  }, PING_INTERVAL);
  child.once('exit', () => {
    clearInterval(timer);
  });
}

/** Sources run by a test runner have no compiled child beside them. */
function childPath(): string {
  const beside = import.meta.url.endsWith('.ts')
    ? '../../dist/shared/swarm/child.js'
    : './child.js';
  return fileURLToPath(new URL(beside, import.meta.url));
}
