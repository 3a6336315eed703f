import type { z } from 'zod';

import { readBounded } from '../../shared/io/files.js';
import { LIMITS } from '../../shared/limits.js';

/**
 * The JSON that an earlier run left at `path`; null when there is none, or when it is damaged or
 * over `maxBytes`. For what is only remembered: callers go on as if it were their first run.
 */
export async function readKept<T>(
  path: string,
  schema: z.ZodType<T>,
  maxBytes: number = LIMITS.configBytes,
): Promise<T | null> {
  try {
    const text = (await readBounded(path, maxBytes)).toString('utf8');
    return schema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
