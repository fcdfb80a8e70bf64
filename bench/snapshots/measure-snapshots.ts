// `npm run bench -- --snapshots`: a comparison for each source and number of shards, each with a data worker that has
// just been started, so that its peak of memory is that size's own.

import { createCollection, dropCollection, fillSource } from '../collections.js';
import type { BenchOptions } from '../options.js';
import { describeMachine } from '../report.js';
import { snapshotBars } from './snapshot-bars.js';
import type { SnapshotCourse } from './snapshot-contestant.js';
import type { SnapshotComparison, SnapshotReport } from './snapshot-report.js';
import { runSnapshotRounds } from './snapshot-rounds.js';
import type { SnapshotStage } from './snapshot-stage.js';
import { summariseSnapshots } from './snapshot-summary.js';

const LARGE_TIMES = 10;

interface Case {
  from: SnapshotCourse['from'];
  shards: number;
  points: number;
  rounds: number;
}

export async function measureSnapshots(
  stage: SnapshotStage,
  options: BenchOptions,
  say: (line: string) => void,
): Promise<SnapshotReport> {
  const comparisons: SnapshotComparison[] = [];
  for (const one of casesOf(options)) comparisons.push(await compare(stage, one, say));
  return {
    at: new Date().toISOString(),
    machine: describeMachine({ source: stage.streaming, target: stage.target }),
    comparisons,
    bars: snapshotBars(comparisons),
  };
}

/** Of the node that stores first, one number of shards: there the node's disk is what counts. */
function casesOf({ snapshots, points, rounds, shards }: BenchOptions): Case[] {
  const wanted = (kind: Case['from'] | 'large') => snapshots.includes(kind);
  return [
    ...(wanted('streaming')
      ? shards.map((one) => ({ from: 'streaming' as const, shards: one, points, rounds }))
      : []),
    ...(wanted('storing') ? [{ from: 'storing' as const, shards: 1, points, rounds }] : []),
    ...(wanted('large')
      ? [{ from: 'streaming' as const, shards: 1, points: points * LARGE_TIMES, rounds: 1 }]
      : []),
  ];
}

async function compare(
  stage: SnapshotStage,
  { from, shards, points, rounds }: Case,
  say: (line: string) => void,
): Promise<SnapshotComparison> {
  const collection = `bench-${shards}-${points}`;
  const source = stage[from];
  say(`Qdrant ${source.version}, ${shards} shard(s): filling the source with ${points} points …`);
  await createCollection(source, collection, shards);
  await fillSource(source, collection, points);
  await stage.data.stop();
  await stage.data.start();
  const course = { stage, from, collection, points, shards, left: { files: [], backups: {} } };
  const runs = await runSnapshotRounds(course, rounds, say);
  for (const side of [source, stage.target]) await dropCollection(side, collection);
  const summaries = summariseSnapshots(runs);
  const bytes = summaries[0]?.bytes ?? 0;
  return { source: source.version, from, shards, points, bytes, rounds, summaries, runs };
}
