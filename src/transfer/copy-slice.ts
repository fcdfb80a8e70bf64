// Copies one slice, and hashes one slice without copying. Promises: the claim that is returned is true (everything
// before its cursor is on the target, `Completed`), whatever ended the walk; repeated work is harmless, for an upsert
// is by id. Does not prove anything about the target: that is what digesting the target is for.

import type { SliceClaim } from '../model/contracts/slice-activities.js';
import type { Pace } from '../model/state/steering.js';
import type { RangeDigest } from '../model/format/digest.js';
import type { ReadPlan } from '../model/collections.js';
import type { Slice } from '../model/state/slice.js';
import { Pacer } from '../cluster/pacer.js';
import type { PointPage, PointReader, PointWriter } from '../cluster/points-port.js';
import { walkSlice, type WalkSignals, type WalkState } from './walk-slice.js';

export interface SliceJob extends WalkSignals, Pace {
  collection: string;
  slice: Slice;
  state: WalkState;
  read: ReadPlan;
  batchBytes: number;
  budgetMs: number;
  onProgress: (state: WalkState) => void;
}

export interface CopyJob extends SliceJob {
  reader: PointReader;
  writer: PointWriter;
  targetCollection: string;
  maxWritePoints?: number;
}

export type SliceOutcome = SliceClaim & { digest: RangeDigest };

/** Two batches under way keep the target busy while an answer travels; more only fill its queue. */
const WRITES_AHEAD = 2;

export function copySlice(job: CopyJob): Promise<SliceOutcome> {
  const write = (page: PointPage) => writePage(job, page);
  return walkSlice({ ...asWalk(job), reader: job.reader, writesAhead: WRITES_AHEAD, write });
}

export function digestSlice(job: SliceJob & { reader: PointReader }): Promise<SliceOutcome> {
  return walkSlice({ ...asWalk(job), reader: job.reader, writesAhead: 0, write: async () => undefined });
}

function asWalk(job: SliceJob) {
  return {
    collection: job.collection,
    slice: job.slice,
    state: job.state,
    read: { ...job.read, pageBytes: job.batchBytes },
    pacer: new Pacer(job),
    deadline: performance.now() + job.budgetMs,
    signal: job.signal,
    stop: job.stop,
    onProgress: job.onProgress,
  };
}

/** A page can be larger than wanted where sizes jump, or than the target takes: then in parts, one after the other. */
async function writePage(job: CopyJob, page: PointPage): Promise<void> {
  for (const part of parts(page, job.batchBytes, job.maxWritePoints)) {
    await job.writer.upsert(job.targetCollection, job.slice.shardKey, part, job.signal);
  }
}

export function parts(page: PointPage, batchBytes: number, maxPoints = Infinity): PointPage[] {
  const count = Math.max(Math.ceil(page.bytes / (batchBytes * 2)), Math.ceil(page.count / maxPoints));
  if (count <= 1) return [page];
  const size = Math.max(1, Math.ceil(page.count / count));
  const positions = Array.from({ length: page.count }, (_, i) => i);
  const pages: PointPage[] = [];
  for (let at = 0; at < page.count; at += size) pages.push(page.pick(positions.slice(at, at + size)));
  return pages;
}
