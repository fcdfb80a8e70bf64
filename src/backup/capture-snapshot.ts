// One snapshot from a node into one object. `stream` makes it while it is sent and begins again after a crash; `stored`
// has the node keep a file and goes on inside it. Both promise: the archive was whole, the object holds exactly what the
// node sent, nothing half-made stays in the store, and of what stays on the node the name is told.
//
//   stored:  names on the node ──▶ create ──▶ download and upload, part by part ──▶ object ──▶ (document) ──▶ remove
//   A crash between `create` and the next heartbeat leaves a file whose name nobody was told: it is found as a name that
//   is new since the beginning, and reported, not removed, for it may be somebody else's.

import { FerryError } from '../model/errors.js';
import type { ManifestPart } from '../model/manifest.js';
import { partSizeFor } from '../model/part-sizes.js';
import type { StoredPart, Upload } from '../storage/object-store.js';
import { Pacer } from '../transfer/pacer.js';
import type { NodeFile, SnapshotNode, SnapshotSource } from './ports.js';
import { clearLeftovers, completeSnapshot, type SnapshotObject } from './snapshot-object.js';
import { TarCheck, type TarState } from './tar-check.js';
import { uploadStream } from './upload-stream.js';

/** Small enough for a heartbeat; enough to go on from. */
export interface CaptureState {
  /** In the store, of this attempt. */
  bytes: number;
  /** The most that any attempt reached. */
  best: number;
  uploadId?: string;
  /** The file that we had the node make. */
  file?: { node: string; name: string; bytes: number; etag?: string };
  /** Names on that node before we made any. */
  known?: { node: string; names: string[] };
  /** Parts in the store, from the first, and how the check stood behind them. */
  parts?: { confirmed: number; tar: TarState };
}

export interface Capture {
  what: string;
  source: SnapshotSource;
  node: SnapshotNode;
  object: SnapshotObject;
  /** What the archive must hold. */
  entries: readonly string[];
  state: CaptureState;
  /** Also keeps the state; `moved` when it got further than ever. */
  onProgress(state: CaptureState, moved: boolean): void;
  signal: AbortSignal;
  maxMegabytesPerSecond?: number | undefined;
}

export function freshCapture(): CaptureState {
  return { bytes: 0, best: 0 };
}

export async function captureStreamed(capture: Capture): Promise<ManifestPart[]> {
  const { node, object, source } = capture;
  await clearLeftovers(object);
  const upload = await object.store.upload(object.key);
  capture.state.uploadId = upload.id;
  try {
    const tar = new TarCheck(capture.entries);
    return await send(capture, { upload, before: [], tar, open: (signal) => node.stream(source, signal) });
  } catch (error) {
    await upload.abort().catch(() => undefined); // the next attempt, or the end of the job, looks for it again
    throw error;
  }
}

export async function captureStored(capture: Capture): Promise<ManifestPart[]> {
  const { state, object, node, source } = capture;
  const file = await fileOnNode(capture);
  const { upload, before, tar } = await openUpload(capture, file.bytes);
  const from = before.reduce((sum, part) => sum + part.bytes, 0);
  const download = await node.download(source, file.name, from, capture.signal);
  const same = download?.bytes === file.bytes && (file.etag ?? download.etag) === download.etag;
  if (!download || !same) {
    delete state.file;
    await upload.abort();
    forgetUpload(state);
    capture.onProgress(state, false);
    const happened = `${node.url} no longer has the snapshot ${file.name}, or another one of that name`;
    throw new FerryError('SnapshotIncomplete', happened);
  }
  file.etag = download.etag;
  const parts = await send(capture, { upload, before, tar, open: () => download.body, bytes: file.bytes });
  await clearForeign(object, upload.id);
  return parts;
}

/** Takes away what a capture that will not be tried again has made. */
export async function giveUp({ state, node, source, object }: Omit<Capture, 'signal'>): Promise<void> {
  await clearLeftovers(object).catch(() => undefined);
  const file = state.file;
  if (file?.node !== node.url) return;
  await node.remove(source, file.name, AbortSignal.timeout(30_000)).catch(() => undefined);
}

/** Removes our file, and names what stays: what could not be removed, and what came up since the beginning. */
export async function leaveNode({ state, node, source, signal }: Capture): Promise<string[]> {
  const { file, known } = state;
  if (known === undefined) return [];
  const left: string[] = [];
  if (file?.node === node.url) await node.remove(source, file.name, signal).catch(() => undefined);
  else if (file !== undefined) left.push(`${file.name} on ${file.node}`);
  if (known.node !== node.url) return left;
  try {
    const since = (await namesOn({ node, source, signal })).filter((name) => !known.names.includes(name));
    return [...left, ...since.map((name) => `${name} on ${node.url}`)];
  } catch (error) {
    // The snapshot is in the store: a node that has gone since is no reason to take another one.
    if (signal.aborted || !(error instanceof FerryError)) throw error;
    return file === undefined ? left : [...left, `perhaps ${file.name} on ${node.url}, which did not answer`];
  }
}

interface Sending {
  upload: Upload;
  before: StoredPart[];
  tar: TarCheck;
  open(signal: AbortSignal): AsyncIterable<Uint8Array>;
  bytes?: number;
}

async function send(capture: Capture, sending: Sending): Promise<ManifestPart[]> {
  const { state, object, signal, maxMegabytesPerSecond, what } = capture;
  const { upload, before, tar, bytes } = sending;
  const pacer = new Pacer(maxMegabytesPerSecond === undefined ? {} : { maxMegabytesPerSecond });
  const cuts = new Map<number, TarState>();
  const parts = await uploadStream({
    upload,
    before,
    signal,
    open: (inner) => sending.open(inner),
    ...(bytes === undefined ? {} : { expectedBytes: bytes }),
    pace: (taken) => pacer.take(0, taken, signal),
    onBytes: (piece) => tar.push(piece),
    onCut: (number) => cuts.set(number, tar.state),
    onParts: (confirmed) => {
      const cut = cuts.get(confirmed);
      if (cut === undefined) return;
      for (const number of cuts.keys()) if (number <= confirmed) cuts.delete(number);
      state.parts = { confirmed, tar: cut };
      state.bytes = cut.bytes;
      const moved = state.bytes > state.best;
      state.best = Math.max(state.best, state.bytes);
      capture.onProgress(state, moved);
    },
  });
  tar.finish(what);
  return completeSnapshot(object, upload, parts);
}

async function fileOnNode(capture: Capture): Promise<NonNullable<CaptureState['file']>> {
  const { state, node, source, signal } = capture;
  if (state.file?.node === node.url) return state.file;
  if (state.known?.node !== node.url) state.known = { node: node.url, names: await namesOn(capture) };
  capture.onProgress(state, false);
  const made: NodeFile = await node.create(source, signal);
  forgetUpload(state);
  state.file = { node: node.url, name: made.name, bytes: made.bytes };
  capture.onProgress(state, true);
  return state.file;
}

/** Of this source alone: where Qdrant keeps snapshots in S3 its lists mix everything. */
export async function namesOn({
  node,
  source,
  signal,
}: Pick<Capture, 'node' | 'source' | 'signal'>): Promise<string[]> {
  const own = source === 'storage' ? '' : `${source.collection}-shard-${source.shard}-`;
  const names = (await node.list(source, signal)).map((file) => file.name);
  return names.filter((name) => name.slice(name.lastIndexOf('/') + 1).startsWith(own));
}

/** The upload of the attempt before, with the parts behind which we know how the check stood; or a new one. */
async function openUpload(
  capture: Capture,
  bytes: number,
): Promise<{ upload: Upload; before: StoredPart[]; tar: TarCheck }> {
  const { state, object, entries } = capture;
  const resumed = await resumedParts(capture, bytes);
  if (resumed) return { ...resumed, tar: new TarCheck(entries, state.parts?.tar) };
  await clearLeftovers(object);
  forgetUpload(state);
  const upload = await object.store.upload(object.key);
  state.uploadId = upload.id;
  capture.onProgress(state, false);
  return { upload, before: [], tar: new TarCheck(entries) };
}

async function resumedParts({ state, object }: Capture, bytes: number) {
  if (state.uploadId === undefined || state.parts === undefined) return undefined;
  const upload = await object.store.resumeUpload(object.key, state.uploadId);
  if (!upload) return undefined;
  const { confirmed } = state.parts;
  const before = (await upload.parts()).filter((part) => part.number <= confirmed);
  const fits = before.every(
    (part, at) => part.number === at + 1 && part.bytes === partSizeFor(part.number, bytes),
  );
  return fits && before.length === confirmed ? { upload, before } : undefined;
}

function forgetUpload(state: CaptureState): void {
  delete state.uploadId;
  delete state.parts;
  state.bytes = 0;
}

/** Uploads of this key that a dead attempt began; ours is complete. */
async function clearForeign({ store, key }: SnapshotObject, ours: string): Promise<void> {
  for await (const left of store.uploads(key)) {
    if (left.key === key && left.id !== ours) await (await store.resumeUpload(key, left.id))?.abort();
  }
}
