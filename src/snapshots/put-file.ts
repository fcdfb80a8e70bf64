// A file of this disk into an object of a store, hashed on its way. Written once: the key holds the hash, so that what
// stands there already is the same file, left by a run that was killed.

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { FerryError } from '../model/errors.js';
import { recoverKey } from '../model/snapshot-names.js';
import type { ObjectStore } from '../storage/object-store.js';
import { uploadStream } from '../shards/upload-stream.js';

export interface PutFile {
  object: string;
  sha256: string;
  bytes: number;
}

export async function putFile(store: ObjectStore, path: string, signal: AbortSignal): Promise<PutFile> {
  const { bytes, sha256 } = await hashOf(path, signal);
  const object = recoverKey(sha256, basename(path));
  if ((await store.head(object))?.bytes === bytes) return { object, sha256, bytes };
  const upload = await store.upload(object);
  try {
    const flow = { open: () => createReadStream(path), signal };
    const parts = await uploadStream(flow, { upload, expectedBytes: bytes });
    await upload.complete(parts, { ifAbsent: true });
  } catch (error) {
    await upload.abort().catch(() => undefined);
    throw error;
  }
  return { object, sha256, bytes };
}

async function hashOf(path: string, signal: AbortSignal): Promise<{ bytes: number; sha256: string }> {
  const there = await stat(path).catch(() => undefined);
  if (!there?.isFile()) throw new FerryError('InvalidInput', `There is no file ${path}`);
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) {
    signal.throwIfAborted();
    hash.update(chunk as Buffer);
  }
  return { bytes: there.size, sha256: hash.digest('hex') };
}
