// One snapshot from a node into one object. `stream` makes it while it is sent and begins again after a crash; `stored`
// has the node keep a file and goes on inside it. Both promise: the archive was whole, the object holds exactly what the
// node sent, nothing half-made stays in the store, and of what stays on the node the name is told.
//
//   stored:  names on the node ──▶ create ──▶ download and upload, part by part ──▶ object ──▶ (document) ──▶ remove
//   A crash between `create` and the next heartbeat leaves a file whose name nobody was told: it is found as a name that
//   is new since the beginning, and reported, not removed, for it may be somebody else's.

import { randomBytes } from 'node:crypto';
import { FerryError } from '../model/errors.js';
import type { ManifestPart } from '../model/format/manifest.js';
import type { StoredPart, Upload } from '../storage/object-store.js';
import { Pacer } from '../cluster/pacer.js';
import type { Download, SnapshotNode, SnapshotSource } from '../cluster/snapshots-port.js';
import {
  dropFile,
  makeOrReuseFile,
  forgetUpload,
  noLongerThere,
  type CaptureState,
  type OnNode,
  type StoredFile,
} from './node-file.js';
import { clearLeftovers, completeSnapshot, type SnapshotObject } from './snapshot-object.js';
import { SnapshotCheck, type TarState } from './snapshot-check.js';
import { partsInRow, uploadStream } from './upload-stream.js';

export interface Capture {
  what: string;
  source: SnapshotSource;
  node: SnapshotNode;
  objectOf(nonce: string): SnapshotObject;
  state: CaptureState;
  /** Also keeps the state; `moved` when it got further than ever. */
  onProgress(state: CaptureState, moved: boolean): void;
  signal: AbortSignal;
  maxMegabytesPerSecond?: number | undefined;
}

/** What lies in the store now. */
export interface Captured {
  object: SnapshotObject;
  parts: ManifestPart[];
  /** Of the whole; absent when an attempt went on where another had stopped. */
  sha256?: string;
}

export async function captureStreamed(capture: Capture): Promise<Captured> {
  const { node, source } = capture;
  const { object, upload } = await beginUpload(capture);
  try {
    const open = (signal: AbortSignal) => node.stream(source, signal);
    return await send(capture, { object, upload, before: [], open });
  } catch (error) {
    await upload.abort().catch(() => undefined); // the next attempt, or the end of the job, looks for it again
    throw error;
  }
}

export async function captureStored(capture: Capture): Promise<Captured> {
  const { state, node, source } = capture;
  const file = await makeOrReuseFile(capture);
  const { object, upload, before } = await openUpload(capture, file.bytes);
  const from = before.reduce((sum, part) => sum + part.bytes, 0);
  const download = await node.download(source, file.name, from, capture.signal);
  const same = isSame(file, download);
  if (!download || !same) {
    delete state.file;
    await upload.abort();
    forgetUpload(state);
    capture.onProgress(state, false);
    throw noLongerThere(node, file);
  }
  file.etag = download.etag;
  try {
    return await send(capture, { object, upload, before, open: () => download.body, file });
  } catch (error) {
    if (error instanceof FerryError && error.code === 'SnapshotDamaged') await beginAgain(capture, upload);
    throw error;
  }
}

/** With another file: what the node's disk gives is not what was written to it. */
async function beginAgain(capture: Capture, upload: Upload): Promise<void> {
  await upload.abort();
  await dropFile(capture);
  delete capture.state.file;
  forgetUpload(capture.state);
  capture.onProgress(capture.state, false);
}

/** Takes away what a capture that will not be tried again has made. */
export async function giveUp(capture: OnNode & Pick<Capture, 'objectOf'>): Promise<string[]> {
  await clearEarlier(capture).catch(() => undefined);
  return dropFile(capture);
}

async function clearEarlier({ state, objectOf }: Pick<Capture, 'state' | 'objectOf'>): Promise<void> {
  if (state.nonce !== undefined) await clearLeftovers(objectOf(state.nonce));
}

/** Under a key of its own, which the heartbeat holds before anything is written there. */
async function beginUpload(capture: Capture): Promise<{ object: SnapshotObject; upload: Upload }> {
  const { state } = capture;
  await clearEarlier(capture);
  forgetUpload(state);
  const nonce = newNonce();
  state.nonce = nonce;
  capture.onProgress(state, false);
  const object = capture.objectOf(nonce);
  const upload = await object.store.upload(object.key);
  state.uploadId = upload.id;
  capture.onProgress(state, false);
  return { object, upload };
}

export function newNonce(): string {
  return randomBytes(4).toString('hex');
}

interface Sending {
  object: SnapshotObject;
  upload: Upload;
  before: StoredPart[];
  open(signal: AbortSignal): AsyncIterable<Uint8Array>;
  file?: StoredFile;
}

async function send(capture: Capture, sending: Sending): Promise<Captured> {
  const { state, signal, maxMegabytesPerSecond, what, source } = capture;
  const { object, upload, before, open, file } = sending;
  const { bytes, sha256 } = file ?? {};
  const check = new SnapshotCheck({
    ...{ what, source, isRemade: true },
    ...(bytes === undefined ? {} : { bytes }),
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(before.length === 0 || state.parts === undefined ? {} : { tar: state.parts.tar }),
  });
  const pacer = new Pacer(maxMegabytesPerSecond === undefined ? {} : { maxMegabytesPerSecond });
  const cuts = new Map<number, TarState>();
  const parts = await uploadStream(
    { open, check, pacer, signal },
    {
      ...{ upload, before, rules: object.store.partRules },
      ...(bytes === undefined ? {} : { expectedBytes: bytes }),
      onCut: (number) => cuts.set(number, check.tar),
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
    },
  );
  const listed = await completeSnapshot(object, upload, parts);
  return { object, parts: listed, ...(check.sha256 === undefined ? {} : { sha256: check.sha256 }) };
}

/** Out of S3 Qdrant tells neither length nor tag: that all of it came, the archive shows. */
function isSame(file: StoredFile, download: Download | undefined): boolean {
  if (!download || (download.bytes !== undefined && download.bytes !== file.bytes)) return false;
  return (file.etag ?? download.etag) === download.etag;
}

/** The upload of the attempt before, with the parts behind which we know how the check stood; or a new one. */
async function openUpload(
  capture: Capture,
  bytes: number,
): Promise<{ object: SnapshotObject; upload: Upload; before: StoredPart[] }> {
  return (await resumedParts(capture, bytes)) ?? { ...(await beginUpload(capture)), before: [] };
}

async function resumedParts({ state, objectOf }: Capture, bytes: number) {
  if (state.nonce === undefined || state.uploadId === undefined || state.parts === undefined)
    return undefined;
  const object = objectOf(state.nonce);
  const upload = await object.store.resumeUpload(object.key, state.uploadId);
  if (!upload) return undefined;
  const { confirmed } = state.parts;
  const inRow = partsInRow(await upload.parts(), bytes, object.store.partRules);
  return inRow.length < confirmed ? undefined : { object, upload, before: inRow.slice(0, confirmed) };
}
