// An official release over HTTPS, refused unless its SHA-256 is the pinned one.

import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { EnvHttpProxyAgent, fetch } from 'undici';

export async function download(url: string, destination: string, sha256: string): Promise<void> {
  const agent = dispatcher();
  try {
    const response = await fetch(url, { dispatcher: agent, redirect: 'follow' });
    if (!response.ok || response.body === null)
      throw new Error(`${new URL(url).host} answered ${response.status}`);
    const hash = createHash('sha256');
    const body = Readable.fromWeb(response.body);
    body.on('data', (chunk: Uint8Array) => hash.update(chunk));
    await pipeline(body, createWriteStream(destination));
    if (hash.digest('hex') !== sha256)
      throw new Error('the checksum is not the pinned one; nothing was installed');
  } catch (error) {
    throw new Error(cause(error), { cause: error });
  } finally {
    await agent.destroy();
  }
}

/** A machine without internet must not wait long for it. */
function dispatcher(): EnvHttpProxyAgent {
  const patience = { connect: { timeout: 3_000 }, headersTimeout: 15_000, bodyTimeout: 30_000 };
  return new EnvHttpProxyAgent(patience);
}

function cause(error: unknown): string {
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return inner instanceof Error ? inner.message : String(inner);
}
