/**
 * The same bytes in chunks of at least `bytes`, but for the last: for consumers to whom each chunk
 * costs a call into another thread or into the kernel.
 */
export async function* gather(
  chunks: AsyncIterable<Uint8Array>,
  bytes: number,
): AsyncGenerator<Uint8Array> {
  let waiting: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    waiting.push(chunk);
    length += chunk.length;
    if (length < bytes) continue;
    yield waiting.length === 1 ? chunk : Buffer.concat(waiting, length);
    waiting = [];
    length = 0;
  }
  if (length > 0) yield Buffer.concat(waiting, length);
}
