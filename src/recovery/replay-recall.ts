// The searches of a backup's baseline, asked again of the recovered collection. Promises to judge only what it could ask:
// a point that was written after the snapshots is not there and counts for nothing, and a baseline that is damaged or
// gone, or a search that is refused, is a sentence and no failure.

import type { ReplayRecallInput, ReplayRecallResult } from '../model/contracts/recovery-activities.js';
import { FerryError } from '../model/errors.js';
import type { RecallDocument } from '../model/format/recall-document.js';
import {
  NO_RECALL,
  addQuery,
  addTallies,
  hasFallen,
  percent,
  sharesOf,
  type RecallTally,
} from '../model/format/recall.js';
import { mapInOrder } from '../model/map-in-order.js';
import type { Searches } from '../cluster/snapshots-port.js';
import { openPlanned, type RecoverySource } from '../shards/recoverable-collection.js';

const MOST_NOTES = 10;
/** Enough to keep a node busy, too few to be noticed by those who use it. */
const SEARCHES_AT_ONCE = 2;

export interface ReplayDeps {
  source: RecoverySource;
  searches: Searches;
}

export async function replayRecall(
  { source, searches }: ReplayDeps,
  input: ReplayRecallInput,
  signal: AbortSignal,
): Promise<ReplayRecallResult> {
  const found = await openPlanned(source, input.from, input.manifestSha256, signal);
  const baseline = await found.recall(signal);
  if (baseline === undefined) return { notes: [] };
  if (typeof baseline === 'string') return { notes: [baseline] };
  const notes: string[] = [];
  let all = NO_RECALL;
  for (const { vector, queries } of baseline.vectors) {
    const replay = { searches, collection: input.target.collection, vector, limit: baseline.limit };
    const { tally, note } = await ask(replay, queries, signal);
    all = addTallies(all, tally);
    notes.push(...note, ...lossOf(vector, tally));
  }
  const recall = sharesOf(all);
  return { ...(recall === undefined ? {} : { recall }), notes: notes.slice(0, MOST_NOTES) };
}

interface Replay {
  searches: Searches;
  collection: string;
  vector: string;
  limit: number;
}

async function ask(
  { searches, collection, vector, limit }: Replay,
  queries: RecallDocument['vectors'][number]['queries'],
  signal: AbortSignal,
): Promise<{ tally: RecallTally; note: string[] }> {
  let tally = NO_RECALL;
  let absent = 0;
  const note: string[] = [];
  try {
    await mapInOrder(queries, SEARCHES_AT_ONCE, async ({ shardKey, point, ...then }) => {
      const place = { collection, vector, ...(shardKey === undefined ? {} : { shardKey }) };
      const now = await searches.nearest(place, point, limit, signal);
      if (now === undefined) absent += 1;
      else tally = addQuery(tally, then, now);
    });
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof FerryError)) throw error;
    note.push(`The searches ${named(vector)} were not all replayed (${error.code}: ${error.happened})`);
  }
  if (absent > 0)
    note.push(
      `${absent} of ${queries.length} points searched for ${named(vector)} are not in the backup: it was being written`,
    );
  return { tally, note };
}

function lossOf(vector: string, tally: RecallTally): string[] {
  const shares = sharesOf(tally);
  if (shares === undefined || !hasFallen(shares)) return [];
  const { approximate, atCapture } = shares;
  return [
    `Approximate search ${named(vector)} finds ${percent(approximate)} of the nearest points, and found ${percent(atCapture)} on the source`,
  ];
}

function named(vector: string): string {
  return vector === '' ? 'by the unnamed vector' : `by the vector "${vector}"`;
}
