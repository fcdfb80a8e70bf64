// A snapshot that lies on a node, into an object of a store. Promises: an object that stands there is never written
// over; what a dead attempt sent is gone on with, as long as the node still has the very same file; the object's hash is
// that of what lies in the store, and is Qdrant's own where it gives one, or the object goes again. The file on the node
// stays.

import { FerryError } from '../model/errors.js';
import { partSizeFor } from '../model/format/part-sizes.js';
import type { DownloadToStoreInput, DownloadToStoreResult } from '../model/contracts/snapshot-activities.js';
import type { ObjectStore, StoredPart, Upload } from '../storage/object-store.js';
import { Pacer } from '../cluster/pacer.js';
import { nodeNamed, refOf, scopeBehind, sourceOf, withNodes, type SnapshotDeps } from './cluster-nodes.js';
import { fileOnNode, Inspection, type FileOnNode } from './snapshot-file.js';
import { uploadStream } from '../shards/upload-stream.js';

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

export async function downloadToStore(
  { open, controls, store }: SnapshotDeps & { store: ObjectStore },
  input: DownloadToStoreInput,
  attempt: DownloadAttempt,
): Promise<DownloadToStoreResult> {
  const { cluster, node, name, object } = input;
  const signal = AbortSignal.any([attempt.signal, attempt.stop]);
  const { collection, shard } = input;
  const asked = {
    ...(collection === undefined ? {} : { collection }),
    ...(shard === undefined ? {} : { shard }),
  };
  const scope = await scopeBehind(controls, cluster, asked, signal);
  return withNodes(open, cluster, signal, async (whole) => {
    const there = nodeNamed(cluster, whole, node);
    const file = await fileOnNode(cluster, there, scope, name, signal);
    const inspection = new Inspection(name, sourceOf(scope), file.sha256);
    await new StoreDownload(store, input, file, attempt, signal).run(inspection);
    return {
      ...{ cluster, ...scope, ...refOf(there), name, store: store.alias, object },
      ...{ bytes: file.bytes, sha256: inspection.sha256 },
      checksum: file.sha256 === undefined ? 'none' : 'equal',
    };
  });
}

class StoreDownload {
  readonly #store: ObjectStore;
  readonly #input: DownloadToStoreInput;
  readonly #file: FileOnNode;
  readonly #attempt: DownloadAttempt;
  readonly #signal: AbortSignal;

  constructor(
    store: ObjectStore,
    input: DownloadToStoreInput,
    file: FileOnNode,
    attempt: DownloadAttempt,
    signal: AbortSignal,
  ) {
    this.#store = store;
    this.#input = input;
    this.#file = file;
    this.#attempt = attempt;
    this.#signal = signal;
  }

  async run(inspection: Inspection): Promise<void> {
    const { key, earlier } = await this.#begun();
    if (earlier === 'complete') return this.#reread(key, inspection);
    const upload = earlier ?? (await this.#anew(key));
    try {
      const before = await this.#partsOf(upload);
      const parts = await this.#send(upload, before, before.length > 0 ? undefined : inspection);
      if (before.length === 0) inspection.finish();
      await upload.complete(parts, { ifAbsent: true });
      if (before.length > 0) await this.#reread(key, inspection);
    } catch (error) {
      const isFinal = error instanceof FerryError && !error.retryable;
      if (isFinal || this.#attempt.stop.aborted || this.#attempt.state.etag === '')
        await upload.abort().catch(() => undefined);
      throw error;
    }
  }

  /** What an attempt before has left: an upload, or, where only its answer was lost, the object. */
  async #begun(): Promise<{ key: string; earlier?: Upload | 'complete' }> {
    const { object: key } = this.#input;
    const { state } = this.#attempt;
    const upload =
      state.uploadId === undefined ? undefined : await this.#store.resumeUpload(key, state.uploadId);
    if (upload && state.etag === this.#file.etag && state.etag !== '') return { key, earlier: upload };
    await upload?.abort();
    const there = await this.#store.head(key);
    if (!there) return { key };
    if (state.uploadId !== undefined && !upload && there.bytes === this.#file.bytes)
      return { key, earlier: 'complete' };
    const happened = `The store "${this.#store.alias}" has an object ${key} already`;
    throw new FerryError('ObjectExists', happened, { context: { bucket: this.#store.alias, key } });
  }

  async #anew(key: string): Promise<Upload> {
    const { state, onProgress } = this.#attempt;
    const upload = await this.#store.upload(key);
    Object.assign(state, { uploadId: upload.id, etag: this.#file.etag, bytes: 0 });
    onProgress(state, false);
    return upload;
  }

  /** Those that stand in a row from the first, cut as we cut them. */
  async #partsOf(upload: Upload): Promise<StoredPart[]> {
    const all = await upload.parts();
    const gap = all.findIndex(
      ({ number, bytes }, at) =>
        number !== at + 1 || bytes !== partSizeFor(number, this.#file.bytes, this.#store.partRules),
    );
    return gap < 0 ? all : all.slice(0, gap);
  }

  #send(upload: Upload, before: StoredPart[], inspection: Inspection | undefined): Promise<StoredPart[]> {
    const { maxMegabytesPerSecond } = this.#input;
    const { state, onProgress } = this.#attempt;
    const pacer = new Pacer(maxMegabytesPerSecond === undefined ? {} : { maxMegabytesPerSecond });
    const from = before.reduce((sum, part) => sum + part.bytes, 0);
    return uploadStream({
      ...{ upload, before, signal: this.#signal, expectedBytes: this.#file.bytes },
      rules: this.#store.partRules,
      open: (inner) => this.#file.from(from, inner),
      pace: (bytes) => pacer.take(0, bytes, this.#signal),
      onBytes: (piece) => inspection?.pass(piece),
      onCut: () => undefined,
      onParts: (confirmed) => {
        state.bytes = Math.min(
          this.#file.bytes,
          confirmed * partSizeFor(1, this.#file.bytes, this.#store.partRules),
        );
        const moved = state.bytes > state.best;
        state.best = Math.max(state.best, state.bytes);
        onProgress(state, moved);
      },
    });
  }

  /** A hash cannot be gone on with over attempts: what lies in the store is read. */
  async #reread(key: string, inspection: Inspection): Promise<void> {
    const range = { from: 0, to: this.#file.bytes };
    try {
      for await (const chunk of this.#store.read(key, { range, signal: this.#signal }))
        inspection.pass(chunk);
      inspection.finish();
    } catch (error) {
      if (error instanceof FerryError && error.code === 'SnapshotDamaged') await this.#store.delete(key);
      throw error;
    }
  }
}
