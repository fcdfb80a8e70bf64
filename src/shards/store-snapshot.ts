// A snapshot that lies on a node, into an object of a store. Promises: an existing object is never overwritten; what a dead
// attempt sent is continued, as long as the node still has the very same file; the object's hash is that of what lies in
// the store, and is Qdrant's own where it gives one, or the object is removed. The file on the node stays.

import { Pacer } from '../cluster/pacer.js';
import type { SnapshotSource } from '../cluster/snapshots-port.js';
import { FerryError } from '../model/errors.js';
import type { ObjectStore, StoredPart, Upload } from '../storage/object-store.js';
import { checkOf, type NamedSnapshot } from './download-to-file.js';
import { checkedBytes } from './pump.js';
import { partsInRow, uploadStream } from './upload-stream.js';

/** Small enough for a heartbeat; enough to go on from. */
export interface DownloadState {
  /** In the store, of this attempt. */
  bytes: number;
  /** The most that any attempt reached. */
  best: number;
  uploadId?: string;
  /** Of the file that the upload was begun with; empty means that it cannot be gone on with. */
  etag?: string;
}

export interface DownloadAttempt {
  state: DownloadState;
  onProgress(state: DownloadState, moved?: boolean): void;
  signal: AbortSignal;
  /** Nobody wants it any more. */
  stop: AbortSignal;
}

export function freshDownload(): DownloadState {
  return { bytes: 0, best: 0 };
}

/** When nobody will go on: what was sent goes. Names what stays. */
export async function abandonDownload(
  store: ObjectStore,
  object: string,
  { uploadId }: DownloadState,
): Promise<string[]> {
  if (uploadId === undefined) return [];
  try {
    await (await store.resumeUpload(object, uploadId))?.abort();
    return [];
  } catch {
    return [`the unfinished upload ${uploadId} of ${object} in ${store.alias}`];
  }
}

export interface StoreDownload {
  file: NamedSnapshot;
  source: SnapshotSource;
  store: ObjectStore;
  /** Its key. */
  object: string;
  maxMegabytesPerSecond?: number | undefined;
}

/** Returns the SHA-256 of the object. */
export async function storeSnapshot(download: StoreDownload, attempt: DownloadAttempt): Promise<string> {
  const { file, store } = download;
  const { state, stop } = attempt;
  const signal = AbortSignal.any([attempt.signal, stop]);
  const earlier = await leftOf(download, state);
  if (earlier === 'complete') return reread(download, signal);
  const upload = earlier ?? (await newUpload(download, attempt));
  try {
    const before = partsInRow(await upload.parts(), file.bytes, store.partRules);
    const { parts, sha256 } = await send(download, attempt, upload, before, signal);
    await upload.complete(parts, { ifAbsent: true });
    return sha256 ?? (await reread(download, signal));
  } catch (error) {
    const isFinal = error instanceof FerryError && !error.retryable;
    if (isFinal || stop.aborted || state.etag === '') await upload.abort().catch(() => undefined);
    throw error;
  }
}

async function newUpload(
  { file, store, object }: StoreDownload,
  { state, onProgress }: DownloadAttempt,
): Promise<Upload> {
  const upload = await store.upload(object);
  Object.assign(state, { uploadId: upload.id, etag: file.etag, bytes: 0 });
  onProgress(state, false);
  return upload;
}

/** Of the attempt before: its upload, or, where only the answer was lost, the object. */
async function leftOf(
  { file, store, object }: StoreDownload,
  { uploadId, etag }: DownloadState,
): Promise<Upload | 'complete' | undefined> {
  const upload = uploadId === undefined ? undefined : await store.resumeUpload(object, uploadId);
  if (upload && etag === file.etag && etag !== '') return upload;
  await upload?.abort();
  const there = await store.head(object);
  if (!there) return undefined;
  if (uploadId !== undefined && !upload && there.bytes === file.bytes) return 'complete';
  const happened = `The store "${store.alias}" has an object ${object} already`;
  throw new FerryError('ObjectExists', happened, { context: { bucket: store.alias, key: object } });
}

/** The hash is known only where all of it passed here. */
async function send(
  { file, source, store, maxMegabytesPerSecond }: StoreDownload,
  { state, onProgress }: DownloadAttempt,
  upload: Upload,
  before: StoredPart[],
  signal: AbortSignal,
): Promise<{ parts: StoredPart[]; sha256: string | undefined }> {
  const check = before.length > 0 ? undefined : checkOf(file, source);
  const from = before.reduce((sum, part) => sum + part.bytes, 0);
  const flow = {
    open: (ends: AbortSignal) => file.from(from, ends),
    ...(check === undefined ? {} : { check }),
    pacer: new Pacer(maxMegabytesPerSecond === undefined ? {} : { maxMegabytesPerSecond }),
    signal,
  };
  const parts = await uploadStream(flow, {
    ...{ upload, before, expectedBytes: file.bytes, rules: store.partRules },
    onParts: (_, bytes) => {
      state.bytes = bytes;
      const moved = bytes > state.best;
      state.best = Math.max(bytes, state.best);
      onProgress(state, moved);
    },
  });
  return { parts, sha256: check?.sha256 };
}

/** A hash cannot be continued by another process: what lies in the store is read. */
async function reread({ file, source, store, object }: StoreDownload, signal: AbortSignal): Promise<string> {
  const check = checkOf(file, source);
  const range = { from: 0, to: file.bytes };
  try {
    for await (const _ of checkedBytes({
      open: (ends) => store.read(object, { range, signal: ends }),
      check,
      signal,
    }));
  } catch (error) {
    if (error instanceof FerryError && error.code === 'SnapshotDamaged') await store.delete(object);
    throw error;
  }
  return check.sha256 ?? '';
}
