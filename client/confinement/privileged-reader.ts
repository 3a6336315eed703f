import { spawn } from 'node:child_process';
import { open, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Duplex, Readable, Writable } from 'node:stream';

import { LIMITS } from '../../shared/limits.js';
import type { InstalledIdentity } from '../apt/installed-source.js';
import { PROJECT } from './find-confinement.js';
import { NOBODY, setprivArguments } from './sandbox.js';

/** Reads files of installed packages that only root can read, and only as they were in their .debs. */
export interface PrivilegedReader {
  /** Copies the file that dpkg lists as `path` to `target`, which is new. False: it gives none. */
  copy(
    installed: InstalledIdentity,
    path: string,
    target: string,
    signal: AbortSignal,
  ): Promise<boolean>;
}

/** Of packaging/systemd/debshoal-reader.socket; only the daemon's user can connect to it. */
const READER_SOCKET = '/run/debshoal-reader.socket';

const PROGRAM = join(PROJECT, 'packaging/reader/read-installed');

/** For root: the program itself, with this one right of root. */
export function ownReader(root: string): PrivilegedReader {
  const right = '-all,+dac_read_search';
  const kept = ['--inh-caps', '--ambient-caps', '--bounding-set'].map((set) => `${set}=${right}`);
  const args = [...setprivArguments(NOBODY, kept), PROGRAM, root];
  return readerOver(() => {
    const child = spawn('setpriv', args, { stdio: ['pipe', 'pipe', 'inherit'] });
    child.on('error', () => undefined);
    return { request: child.stdin, answer: child.stdout, end: () => child.kill('SIGKILL') };
  });
}

/** For the daemon: the same program, which systemd starts for each connection. */
export function serviceReader(socket = READER_SOCKET): PrivilegedReader {
  return readerOver(() => {
    const connection: Duplex = connect(socket);
    return { request: connection, answer: connection, end: () => connection.destroy() };
  });
}

interface Conversation {
  readonly request: Writable;
  readonly answer: Readable;
  readonly end: () => void;
}

function readerOver(begin: () => Conversation): PrivilegedReader {
  return {
    async copy({ package: name, architecture }, path, target, signal) {
      // Nothing else can be asked for: the line would be another one.
      if (path.includes('\n')) return false;
      const { request, answer, end } = begin();
      signal.addEventListener('abort', end);
      try {
        request.on('error', () => undefined);
        request.write(`${name} ${architecture}\n${path}\n`);
        return await save(answer, target);
      } finally {
        signal.removeEventListener('abort', end);
        end();
      }
    },
  };
}

const FIRST_LINE = /^200 (\d{1,10})\n/;
const FIRST_LINE_BYTES = 200;

/** Writes what follows the first line; exactly as much as this says, else nothing. */
async function save(answer: Readable, target: string): Promise<boolean> {
  const file = await open(target, 'wx', 0o644);
  // The worker is somebody else, whatever our umask takes away.
  await file.chmod(0o644);
  let head = Buffer.alloc(0);
  let left: number | null = null;
  try {
    for await (const chunk of answer) {
      let bytes = chunk as Buffer;
      if (left === null) {
        head = Buffer.concat([head, bytes]);
        const [line, size] =
          FIRST_LINE.exec(head.subarray(0, FIRST_LINE_BYTES).toString('latin1')) ?? [];
        if (line === undefined || size === undefined) {
          if (head.length < FIRST_LINE_BYTES && !head.includes('\n')) continue;
          break;
        }
        left = Number(size);
        if (left > LIMITS.packageFileBytes) break;
        bytes = head.subarray(line.length);
      }
      left -= bytes.length;
      if (left < 0) break;
      await file.writeFile(bytes);
    }
  } catch {
    // It went away in the middle.
  } finally {
    await file.close();
  }
  if (left === 0) return true;
  await rm(target, { force: true });
  return false;
}
