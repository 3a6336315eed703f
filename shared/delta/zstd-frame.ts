import { Compressor } from 'zstd-napi';
import binding from 'zstd-napi/binding.js';

import { DebshoalError } from '../errors.js';
import { LIMITS } from '../limits.js';

const LEVEL = 19;
const MIN_WINDOW_LOG = 10;
/** Every zstd decoder accepts this window; the limit on dictionaries fits it. */
const MAX_WINDOW_LOG = 27;
const ZSTD_MAGIC = 0xfd2fb528;
/** A trained dictionary starts with this number (RFC 8878 section 5). */
const ZSTD_DICTIONARY_MAGIC = 0xec30a437;

/** Whether bytes can serve as a raw-content dictionary: zstd takes two magics for something else. */
export function canBeDictionary(bytes: Buffer): boolean {
  if (bytes.length < 8 || bytes.length > LIMITS.zstdDictionaryBytes) return false;
  const magic = bytes.readUInt32LE(0);
  return magic !== ZSTD_MAGIC && magic !== ZSTD_DICTIONARY_MAGIC;
}

/** One zstd frame of `content`, with `dictionary` as the history before it. */
export function compressFrame(content: Uint8Array, dictionary: Uint8Array | null): Buffer {
  const compressor = new Compressor();
  const span = content.length + (dictionary?.length ?? 0);
  const windowLog = Math.ceil(Math.log2(Math.max(span, 1)));
  compressor.setParameters({
    compressionLevel: LEVEL,
    windowLog: Math.min(MAX_WINDOW_LOG, Math.max(MIN_WINDOW_LOG, windowLog)),
  });
  if (dictionary) compressor.loadDictionary(dictionary);
  return compressor.compress(content);
}

/**
 * Expands one frame into exactly `length` bytes, which the caller has checked against its limits:
 * the output buffer has that size, so that no frame can write more. `delta-damaged` otherwise.
 */
export function expandFrame(
  frame: Uint8Array,
  dictionary: Uint8Array | null,
  length: number,
): Buffer {
  const content = Buffer.alloc(length);
  try {
    const context = new binding.DCtx();
    if (dictionary) context.loadDictionary(dictionary);
    context.setParameter(binding.DParameter.windowLogMax, MAX_WINDOW_LOG);
    if (context.decompress(content, frame) === length) return content;
  } catch (cause) {
    throw new DebshoalError('delta-damaged', 'damaged zstd frame', { cause });
  }
  throw new DebshoalError('delta-damaged', `zstd frame is shorter than ${length} bytes`);
}
