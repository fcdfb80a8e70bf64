// What is read of a slice, and which of its points are to be stored. Two ways, with the same promise: each living point
// comes once, ascending, with the digest of the state that the chain has of it after this backup.
//
//   readAll      every point is read; those whose digest is not the one that the base knows are to be stored
//   readWritten  every id is read, and the points that say of themselves that they were written since a time; what the base
//                does not know is read too, whatever it says. Of all others the base's digest is taken for granted
//
// The base need not know a point: it is stored then, so a gap in what is known costs space and never a change.

import type { PointId } from '../../model/point-id.js';
import type { WrittenSince } from '../../model/format/written-since.js';
import { livingIds } from '../../cluster/living-ids.js';
import { livingPoints, readById, type LivingPoint } from '../../cluster/living-points.js';
import type { IdReader, PointCodec, PointReader, ReadRange } from '../../cluster/points-port.js';
import { Ascending, seekFirst } from './ascending.js';
import type { KnownPoints } from './chain.js';
import type { ChangedPoint } from './slice-writer.js';

/** Valid until the next is asked for. */
export interface SliceBatch {
  ids: PointId[];
  /** Of each of them. */
  hashes: Uint8Array[];
  /** Those of them that are to be stored. */
  changed: ChangedPoint[];
  /** Read from the source. */
  bytes: number;
}

export interface SliceRead {
  reader: PointReader & IdReader;
  codec: PointCodec;
  range: ReadRange & { signal: AbortSignal };
  known?: KnownPoints | undefined;
}

export async function* readAll(
  { reader, codec, range, known }: SliceRead,
  onChanged?: (point: ChangedPoint) => Promise<void>,
): AsyncGenerator<SliceBatch> {
  for await (const points of livingPoints({ reader, range })) {
    const ids = points.map(({ page, at }) => page.idAt(at));
    const batch: SliceBatch = { ids, hashes: [], changed: [], bytes: bytesOf(points) };
    const digests = await known?.digestsOf(ids);
    for (const [at, point] of points.entries()) {
      const [id, hash] = [ids[at] as PointId, point.page.hashAt(point.at)];
      batch.hashes.push(hash);
      const before = digests?.get(id);
      if (before !== undefined && Buffer.compare(before, hash) === 0) continue;
      const changed = changedPoint(codec, point);
      batch.changed.push(changed);
      if (before !== undefined) await onChanged?.(changed);
    }
    yield batch;
  }
}

const IDS_AT_ONCE = 1_000;

export async function* readWritten(
  read: SliceRead & { known: KnownPoints },
  since: WrittenSince,
): AsyncGenerator<SliceBatch> {
  const { reader, range, known } = read;
  const written = new Ascending(writtenPoints(read, since), ({ id }) => id);
  const { mode: _, pageBytes: __, ...ids } = range;
  try {
    for await (const page of livingIds({ readers: [reader], range: ids })) {
      for (let at = 0; at < page.length; at += IDS_AT_ONCE) {
        yield await batchOf(read, page.slice(at, at + IDS_AT_ONCE), written, known);
      }
    }
  } finally {
    await written.close();
  }
}

type Written = ChangedPoint & { bytes: number };

/** Copied, for they are kept while others are read. */
async function* writtenPoints(
  { reader, codec, range }: SliceRead,
  since: WrittenSince,
): AsyncGenerator<Written[]> {
  for await (const points of livingPoints({ reader, range: { ...range, since } }))
    yield points.map((point) => copied(codec, point));
}

async function batchOf(
  read: SliceRead,
  ids: readonly PointId[],
  written: Ascending<Written>,
  known: KnownPoints,
): Promise<SliceBatch> {
  const digests = await known.digestsOf(ids);
  const found = await seekFirst([written], ids);
  const unknown = ids.filter((id) => !found.has(id) && !digests.has(id));
  for (const point of await readById(read, unknown)) {
    const one = copied(read.codec, point);
    found.set(one.id, one);
  }
  const batch: SliceBatch = { ids: [], hashes: [], changed: [], bytes: 0 };
  for (const id of ids) {
    const [before, point] = [digests.get(id), found.get(id)];
    const hash = point?.digest ?? before;
    if (hash === undefined) continue; // deleted since its id was read
    batch.ids.push(id);
    batch.hashes.push(hash);
    if (point === undefined) continue;
    batch.bytes += point.bytes;
    if (before === undefined || Buffer.compare(before, point.digest) !== 0) batch.changed.push(point);
  }
  return batch;
}

function copied(codec: PointCodec, point: LivingPoint): Written {
  const { id, digest, stored } = changedPoint(codec, point);
  const { bytes, count } = point.page;
  return { id, digest: Buffer.from(digest), stored: Buffer.from(stored), bytes: bytes / count };
}

function changedPoint(codec: PointCodec, { page, at }: LivingPoint): ChangedPoint {
  return { id: page.idAt(at), digest: page.hashAt(at), stored: codec.encode(page, at) };
}

/** A page that was only a few of its points' is counted whole. */
function bytesOf(points: readonly LivingPoint[]): number {
  return [...new Set(points.map(({ page }) => page))].reduce((sum, page) => sum + page.bytes, 0);
}
