import { DebshoalError } from '../../shared/errors.js';
import type { Foreground } from './foreground.js';
import type { ReadyStore } from './ready-store.js';
import type { AcquireRequest, Request } from './request.js';
import type { Savings } from './savings.js';
import { serveDeb } from './serve-deb.js';
import type { Answer } from './socket.js';
import type { ServiceStatus } from './status.js';

export interface AnswerParts {
  /** Why every package comes from the mirror; null: it need not. */
  readonly obstacle: string | null;
  readonly foreground: Foreground;
  readonly store: ReadyStore;
  readonly savings: Savings;
  readonly status: () => Promise<ServiceStatus>;
  /** Begins to look for what is pending; why nothing will come of it, or null. */
  readonly startPrefetch: () => Promise<string | null>;
}

/** Answers one request of PROTOCOL.md. */
export async function answerRequest(
  request: Request,
  parts: AnswerParts,
  to: Answer,
): Promise<void> {
  switch (request.kind) {
    case 'acquire':
      await answerAcquire(request, parts, to);
      return;
    case 'status': {
      const status = await parts.status();
      to.say(201, 'Done');
      await to.write(Buffer.from(`${JSON.stringify(status)}\n`));
      return;
    }
    case 'prefetch': {
      const obstacle = await parts.startPrefetch();
      if (obstacle === null) to.say(201, 'Done');
      else to.say(400, 'Failure', { Message: obstacle });
    }
  }
}

async function answerAcquire(
  request: AcquireRequest,
  { obstacle, foreground, store, savings }: AnswerParts,
  to: Answer,
): Promise<void> {
  if (obstacle !== null) throw new DebshoalError('usage', obstacle);
  const status = repeatedStatus(to);
  try {
    // What was damaged in the store is gone after the first attempt, and made anew in the second.
    for (let attempt = 0; attempt < 2; attempt++) {
      const refusal = await foreground.acquire(request, to.signal, status.say);
      if (refusal !== null) {
        to.say(400, 'URI Failure', { Message: refusal });
        return;
      }
      if (!(await serveDeb(request, store, to, status.end))) continue;
      savings.addServed(request.size);
      return;
    }
    throw new DebshoalError('hash-mismatch', 'it was damaged in the cache');
  } finally {
    status.end();
  }
}

/** Milliseconds; who hears nothing for longer takes us for hung. */
const SIGN_OF_LIFE = 5000;

/** Says what goes on, and that it still does. */
function repeatedStatus(to: Answer): { say: (text: string) => void; end: () => void } {
  let last = 'looking for a delta';
  const repeat = (): void => {
    to.say(102, 'Status', { Message: last });
  };
  const timer = setInterval(repeat, SIGN_OF_LIFE);
  return {
    say(text) {
      last = text;
      repeat();
    },
    end: () => {
      clearInterval(timer);
    },
  };
}
