// One slice of a backup by points. Reads every point of the slice once, in order of id; keeps all of them in a full
// backup, and in an increment those that are new or have another digest than at its base. Promises that what it stores
// are the very bytes whose digest it answers, so that a recovery can be held to it, whoever wrote to the source meanwhile.
// An attempt that dies begins again under other keys.

import type { CaptureSliceInput, CaptureSliceResult } from '../../model/contracts/point-backup-activities.js';
import { storedBytes } from '../../model/format/manifest.js';
import { Pacer } from '../../cluster/pacer.js';
import type { PointCodec, PointPage, PointReader } from '../../cluster/points-port.js';
import type { ObjectStore } from '../../storage/object-store.js';
import { RangeSum } from '../../cluster/range-sum.js';
import { KnownPoints, openChain } from './chain.js';
import { SliceWriter, type ChangedPoint } from './slice-writer.js';

export interface CaptureSliceDeps {
  store: ObjectStore;
  reader: PointReader;
  codec: PointCodec;
}

export interface SliceHooks {
  signal: AbortSignal;
  onBytes(bytes: number): void;
}

export async function captureSlice(
  { store, reader, codec }: CaptureSliceDeps,
  input: CaptureSliceInput,
  { signal, onBytes }: SliceHooks,
): Promise<CaptureSliceResult> {
  const { cluster, backup, collection, position, slice, read, batchBytes } = input;
  const known =
    input.base && new KnownPoints(store, await openChain(store, input.base, signal), slice, signal);
  const writer = new SliceWriter(
    store,
    { cluster, backup, collection, position, shardKey: slice.shardKey },
    signal,
  );
  const pacer = new Pacer(input);
  const sum = new RangeSum();
  let bytes = 0;
  try {
    const range = { ...slice, collection, signal, pageBytes: batchBytes, ...read };
    for await (const page of reader.pages(range)) {
      await pacer.take(page.count, page.bytes, signal);
      const changed = await changedIn(page, known);
      await writer.addIds(positionsOf(page).map((at) => page.idAt(at)));
      await writer.addChanged(changed.map((at) => changedPoint(codec, page, at)));
      sum.add(page);
      bytes += page.bytes;
      onBytes(page.bytes);
      page.release();
    }
    const { from, to } = slice;
    const ends = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
    const digest = sum.value();
    const stored = await writer.end({ ...ends, digest, deleted: known?.gone ?? 0 });
    const { changed, deleted } = stored;
    const kept = storedBytes({ shards: [], slices: [stored] });
    return { name: writer.name, digest, changed, deleted, bytes, storedBytes: kept };
  } catch (error) {
    await writer.abort();
    throw error;
  } finally {
    await known?.close();
  }
}

const positionsOf = (page: PointPage) => Array.from({ length: page.count }, (_, at) => at);

async function changedIn(page: PointPage, known: KnownPoints | undefined): Promise<number[]> {
  if (known === undefined) return positionsOf(page);
  const changed: number[] = [];
  for (let at = 0; at < page.count; at += 1) {
    const before = await known.digestOf(page.idAt(at));
    if (before === undefined || Buffer.compare(before, page.hashAt(at)) !== 0) changed.push(at);
  }
  return changed;
}

function changedPoint(codec: PointCodec, page: PointPage, at: number): ChangedPoint {
  return { id: page.idAt(at), digest: page.hashAt(at), stored: codec.encode(page, at) };
}
