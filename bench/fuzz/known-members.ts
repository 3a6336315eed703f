import { compress } from '../../shared/deb/compression.js';
import type { CompressMember } from '../../shared/delta/rebuild.js';
import { DebshoalError } from '../../shared/errors.js';
import { sha256 } from '../../shared/io/hash.js';

/**
 * Spares a fuzzer nine tenths of its time: how members were compressed in the first rebuild, that
 * from the true delta, is remembered. Afterwards a known tar gets its known bytes, and another tar
 * by the same recipe is a `hash-mismatch` at once, after all of it was decoded. Recipes that the
 * true delta does not have are carried out.
 */
export function rememberMembers(): { compressMember: CompressMember; stopLearning: () => void } {
  const known = new Map<string, Map<string, Buffer>>();
  let isLearning = true;

  async function* compressMember(
    ...[part, raw]: Parameters<CompressMember>
  ): AsyncGenerator<Uint8Array> {
    const key = JSON.stringify(part);
    const tars = known.get(key);
    if (!isLearning && tars === undefined) {
      yield* compress(part.recipe, raw);
      return;
    }
    const tar = await collect(raw);
    const hash = sha256(tar);
    if (isLearning) {
      const packed = await collect(compress(part.recipe, once(tar)));
      known.set(key, new Map(tars).set(hash, packed));
    }
    const packed = known.get(key)?.get(hash);
    if (packed !== undefined) yield packed;
    else throw new DebshoalError('hash-mismatch', 'the tar differs from that of the true delta');
  }

  return {
    compressMember,
    stopLearning: () => {
      isLearning = false;
    },
  };
}

async function collect(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield await Promise.resolve(bytes);
}
