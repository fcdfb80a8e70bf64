import { benchPoints, type VectorMaker } from './bench-points.js';

export interface PointBatch {
  points: Uint8Array[];
  bytes: number;
}

/** Batches of about this many encoded bytes. */
export function* pointBatches(
  count: number,
  batchBytes: number,
  vector?: VectorMaker,
): Generator<PointBatch> {
  let batch: PointBatch = { points: [], bytes: 0 };
  for (const point of benchPoints(count, vector)) {
    batch.points.push(point);
    batch.bytes += point.length;
    if (batch.bytes < batchBytes) continue;
    yield batch;
    batch = { points: [], bytes: 0 };
  }
  if (batch.points.length > 0) yield batch;
}
