// One slice of a backup by points. Reads every living point of the slice, in order of id; keeps all of them in a full
// backup, and in an increment those that are new or have another digest than at its base. Promises that what it stores
// are the very bytes whose digest it answers, so that a recovery can be held to it, whoever wrote to the source meanwhile.
// An attempt that dies begins again under other keys.

import type { CaptureSliceInput, CaptureSliceResult } from '../../model/contracts/point-backup-activities.js';
import { storedBytes } from '../../model/format/manifest.js';
import { Pacer } from '../../cluster/pacer.js';
import { livingPoints, type LivingPoint } from '../../cluster/living-points.js';
import type { IdReader, PointCodec, PointReader } from '../../cluster/points-port.js';
import type { ObjectStore } from '../../storage/object-store.js';
import { RangeSum } from '../../cluster/range-sum.js';
import { KnownPoints, openChain } from './chain.js';
import { SliceWriter, type ChangedPoint } from './slice-writer.js';

export interface CaptureSliceDeps {
  store: ObjectStore;
  reader: PointReader & IdReader;
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
    for await (const points of livingPoints({ reader, range })) {
      const size = bytesOf(points);
      await pacer.take(points.length, size, signal);
      const changed = await changedAmong(points, known);
      await writer.addIds(points.map(({ page, at }) => page.idAt(at)));
      await writer.addChanged(changed.map((point) => changedPoint(codec, point)));
      for (const { page, at } of points) sum.addHash(page.hashAt(at));
      bytes += size;
      onBytes(size);
    }
    const digest = sum.value();
    const stored = await writer.end({ ...slice, digest, deleted: known?.gone ?? 0 });
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

/** A page that was only a few of its points' is counted whole. */
function bytesOf(points: readonly LivingPoint[]): number {
  return [...new Set(points.map(({ page }) => page))].reduce((sum, page) => sum + page.bytes, 0);
}

async function changedAmong(
  points: readonly LivingPoint[],
  known: KnownPoints | undefined,
): Promise<readonly LivingPoint[]> {
  if (known === undefined) return points;
  const changed: LivingPoint[] = [];
  for (const point of points) {
    const { page, at } = point;
    const before = await known.digestOf(page.idAt(at));
    if (before === undefined || Buffer.compare(before, page.hashAt(at)) !== 0) changed.push(point);
  }
  return changed;
}

function changedPoint(codec: PointCodec, { page, at }: LivingPoint): ChangedPoint {
  return { id: page.idAt(at), digest: page.hashAt(at), stored: codec.encode(page, at) };
}
