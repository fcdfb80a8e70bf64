// Writes the points of one slice of a backup by points. Promises that what it wrote is what was stored, by the digest that
// the backup recorded for the slice, where nothing of it is in a snapshot; whether the target holds it is proved later, by
// reading it. Writes by id, so an
// attempt that begins again changes nothing.

import type { RecoverSliceInput, RecoverSliceResult } from '../model/contracts/recovery-activities.js';
import { FerryError } from '../model/errors.js';
import { sameDigest, type RangeDigest } from '../model/format/digest.js';
import { Pacer } from '../cluster/pacer.js';
import type { PointCodec, PointWriter } from '../cluster/points-port.js';
import { RangeSum } from '../cluster/range-sum.js';
import { openPlanned, type RecoverableSlice, type RecoverySource } from '../shards/recoverable-collection.js';

/** Two batches under way keep the target busy while an answer travels. */
const WRITES_AHEAD = 2;

export interface RecoverSliceDeps {
  source: RecoverySource;
  writer: Pick<PointWriter, 'upsert'>;
  codec: PointCodec;
}

interface Hooks {
  signal: AbortSignal;
  onBytes(bytes: number): void;
}

export async function recoverSlice(
  { source, writer, codec }: RecoverSliceDeps,
  input: RecoverSliceInput,
  { signal, onBytes }: Hooks,
): Promise<RecoverSliceResult> {
  const { slices = [] } = await openPlanned(source, input.from, input.manifestSha256, signal);
  const found = slices[input.position];
  if (!found) throw new FerryError('Internal', `The backup has no slice at ${input.position}`);
  const { collection } = input.target;
  const { shardKey } = found.slice;
  const pacer = new Pacer(input);
  const sum = new RangeSum();
  const underWay: Promise<void>[] = [];
  let bytes = 0;
  try {
    for await (const stored of batches(found, input.batchBytes, signal)) {
      const page = await codec.decode(stored, shardKey);
      sum.add(page);
      await pacer.take(page.count, page.bytes, signal);
      const write = writer.upsert(collection, shardKey, page, signal);
      write.catch(() => undefined);
      underWay.push(write);
      if (underWay.length > WRITES_AHEAD) await underWay.shift();
      bytes += page.bytes;
      onBytes(page.bytes);
    }
  } finally {
    // No write outlives the attempt, also when it failed.
    await Promise.allSettled(underWay);
  }
  await Promise.all(underWay);
  const written = sum.value();
  requireRecorded(found, written);
  return { points: written.count, bytes };
}

async function* batches(
  slice: RecoverableSlice,
  batchBytes: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array[]> {
  let batch: Uint8Array[] = [];
  let bytes = 0;
  for await (const stored of slice.points(signal)) {
    batch.push(stored);
    bytes += stored.length;
    if (bytes < batchBytes) continue;
    yield batch;
    [batch, bytes] = [[], 0];
  }
  if (batch.length > 0) yield batch;
}

function requireRecorded({ digest, slice }: RecoverableSlice, found: RangeDigest): void {
  if (digest === undefined || sameDigest(digest, found)) return;
  const { from = 'the first id' } = slice;
  const happened = `The stored points from ${from} on have the digest ${found.sum} over ${found.count}, and the backup recorded ${digest.sum} over ${digest.count}`;
  throw new FerryError('ObjectDamaged', happened);
}
