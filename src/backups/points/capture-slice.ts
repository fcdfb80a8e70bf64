// One slice of a backup by points. Keeps every living point of it in a full backup, and in an increment those that are new or
// changed since its base. Promises that what it stores are the very bytes whose digest it answers, so that a recovery can be
// held to it, whoever wrote to the source meanwhile. An attempt that dies begins again under other keys.

import type { CaptureSliceInput, CaptureSliceResult } from '../../model/contracts/point-backup-activities.js';
import { storedBytes } from '../../model/format/manifest.js';
import { Pacer } from '../../cluster/pacer.js';
import type { IdReader, PointCodec, PointReader } from '../../cluster/points-port.js';
import type { ObjectStore } from '../../storage/object-store.js';
import { RangeSum } from '../../cluster/range-sum.js';
import { KnownPoints, type Chains } from './chain.js';
import { readAll, readWritten, type SliceBatch, type SliceRead } from './slice-reads.js';
import { readSlice } from './read-slice.js';
import { SliceWriter } from './slice-writer.js';
import { Unstamped } from './unstamped.js';

export interface CaptureSliceDeps {
  store: ObjectStore;
  chains: Chains;
  reader: PointReader & IdReader;
  codec: PointCodec;
}

export interface SliceHooks {
  signal: AbortSignal;
  onBytes(bytes: number): void;
}

export async function captureSlice(
  { store, chains, reader, codec }: CaptureSliceDeps,
  input: CaptureSliceInput,
  { signal, onBytes }: SliceHooks,
): Promise<CaptureSliceResult> {
  const { cluster, backup, collection, position, slice, read, batchBytes } = input;
  const known = await knownBefore({ store, chains }, input, signal);
  const digestsOnly = input.index !== undefined;
  const place = { cluster, backup, collection, position, shardKey: slice.shardKey, digestsOnly };
  const writer = new SliceWriter(store, place, signal);
  const pacer = new Pacer(input);
  const sum = new RangeSum();
  let bytes = 0;
  const range = { ...slice, collection, signal, pageBytes: batchBytes, ...read };
  const unstamped = unstampedOf(input, reader, range);
  try {
    for await (const batch of batchesOf({ reader, codec, range, known }, input, unstamped)) {
      await pacer.take(batch.ids.length, batch.bytes, signal);
      await writer.addIds(batch.ids);
      await writer.addChanged(batch.changed);
      for (const hash of batch.hashes) sum.addHash(hash);
      bytes += batch.bytes;
      onBytes(batch.bytes);
    }
    const forgotten = await unstamped?.end();
    const digest = sum.value();
    const missed = forgotten === undefined || forgotten.count === 0 ? {} : { unstamped: forgotten };
    const stored = await writer.end({ ...slice, digest, deleted: known?.gone ?? 0, ...missed });
    const { changed, deleted } = stored;
    const kept = storedBytes({ shards: [], slices: [stored] });
    return {
      ...{ name: writer.name, digest, changed, deleted, bytes: Math.round(bytes), storedBytes: kept },
      ...missed,
    };
  } catch (error) {
    await writer.abort();
    throw error;
  } finally {
    await Promise.all([known?.close(), unstamped?.close()]);
  }
}

async function knownBefore(
  { store, chains }: Pick<CaptureSliceDeps, 'store' | 'chains'>,
  { base, before, slice, cluster, backup, collection }: CaptureSliceInput,
  signal: AbortSignal,
): Promise<KnownPoints | undefined> {
  if (base !== undefined) return KnownPoints.of(await chains.open(store, base, signal), slice, store, signal);
  if (before === undefined) return undefined;
  const document = await readSlice(store, { cluster, backup, collection }, before, signal);
  return new KnownPoints(store, { slices: [document] }, signal);
}

function batchesOf(
  read: SliceRead,
  { detect, since }: CaptureSliceInput,
  unstamped: Unstamped | undefined,
): AsyncIterable<SliceBatch> {
  const { known } = read;
  if (detect === 'field' && since !== undefined && known !== undefined)
    return readWritten({ ...read, known }, since);
  return readAll(read, unstamped && (({ id }) => unstamped.see(id)));
}

/** Where all points are compared although a field tells which ones changed: what it did not tell of. */
function unstampedOf(
  { detect, since, base }: CaptureSliceInput,
  reader: IdReader,
  { mode: _, pageBytes: __, ...range }: SliceRead['range'],
): Unstamped | undefined {
  if (detect !== 'digest' || since === undefined || base === undefined) return undefined;
  return new Unstamped(reader, range, since);
}
