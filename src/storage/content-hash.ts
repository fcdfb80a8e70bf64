// SHA-256 of a body in memory, in slices of some milliseconds between which the event loop goes on. webcrypto does it in
// another thread, but copies the body first: of 8 MiB the copy alone takes half of the time that hashing takes here.

import { createHash } from 'node:crypto';
import { setImmediate as next } from 'node:timers/promises';

/** Some 5 ms. */
const SLICE_BYTES = 8 * 1024 ** 2;

/** `body` must not change meanwhile. 64 lower-case hex digits. */
export async function sha256Of(body: Uint8Array): Promise<string> {
  const hash = createHash('sha256');
  for (let at = 0; at < body.byteLength; at += SLICE_BYTES) {
    if (at > 0) await next();
    hash.update(body.subarray(at, at + SLICE_BYTES));
  }
  return hash.digest('hex');
}

/** For stores that check nothing better. */
export function md5Of(body: Uint8Array): string {
  return createHash('md5').update(body).digest('base64');
}

export function hexToBase64(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64');
}

export function base64ToHex(text: string): string {
  return Buffer.from(text, 'base64').toString('hex');
}

/** Compares a stream with what is in memory. Ends at the first difference. */
export async function isSameContent(stream: AsyncIterable<Uint8Array>, body: Uint8Array): Promise<boolean> {
  const wanted = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  let at = 0;
  for await (const chunk of stream) {
    if (!wanted.subarray(at, at + chunk.byteLength).equals(chunk)) return false;
    at += chunk.byteLength;
  }
  return at === wanted.byteLength;
}
