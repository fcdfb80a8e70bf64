// SHA-256 of a body in memory, beside the event loop.

import { createHash, webcrypto } from 'node:crypto';

/** 64 lower-case hex digits. */
export async function sha256Of(body: Uint8Array): Promise<string> {
  const digest = await webcrypto.subtle.digest('SHA-256', body);
  return Buffer.from(digest).toString('hex');
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
