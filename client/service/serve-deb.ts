import type { FileHandle } from 'node:fs/promises';

import { DebshoalError } from '../../shared/errors.js';
import type { AcquireRequest } from './request.js';
import type { ReadyStore } from './ready-store.js';
import type { Answer } from './socket.js';

const CHUNK = 256 * 1024;

/**
 * Sends a .deb of the store, of which every byte is hashed before the first is sent. False, and
 * nothing sent, when it is not there or was damaged. `onStart` is called before the answer begins.
 */
export async function serveDeb(
  request: AcquireRequest,
  store: ReadyStore,
  answer: Answer,
  onStart: () => void,
): Promise<boolean> {
  const file = await store.open(request);
  if (file === null) return false;
  try {
    onStart();
    answer.say(200, 'URI Start', { Size: request.size });
    await send(file, request.size, answer);
    return true;
  } finally {
    await file.close();
  }
}

async function send(file: FileHandle, size: number, answer: Answer): Promise<void> {
  for (let at = 0; at < size;) {
    answer.signal.throwIfAborted();
    // A new buffer each time: the socket may still hold the last one.
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK, size - at));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) throw new DebshoalError('io-failed', 'the file became shorter');
    await answer.write(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
}
