// Compares a stream with what is in memory. Ends at the first difference.

export async function isSameContent(stream: AsyncIterable<Uint8Array>, body: Uint8Array): Promise<boolean> {
  const wanted = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  let at = 0;
  for await (const chunk of stream) {
    if (!wanted.subarray(at, at + chunk.byteLength).equals(chunk)) return false;
    at += chunk.byteLength;
  }
  return at === wanted.byteLength;
}
