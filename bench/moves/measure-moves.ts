// `npm run bench -- --moves`: snapshot migration and scroll migration of one collection that is indexed already, and the
// move of its shards against a plain pipe.

import { dropCollection } from '../collections.js';
import type { BenchOptions } from '../options.js';
import { describeMachine } from '../report.js';
import type { SnapshotStage } from '../snapshots/snapshot-stage.js';
import { openSource } from './kept-source.js';
import { moveBars } from './move-bars.js';
import type { MoveComparison, MoveReport } from './move-report.js';
import { runMoveRounds } from './move-rounds.js';
import { summariseMoves } from './move-summary.js';
import { countSnapshotBytes } from './node-pipe.js';
import { nearest, recallOf } from './recall.js';

export async function measureMoves(
  stage: SnapshotStage,
  options: BenchOptions,
  say: (line: string) => void,
): Promise<MoveReport> {
  const comparisons: MoveComparison[] = [];
  for (const shards of options.shards) comparisons.push(await compare(stage, options, shards, say));
  return {
    at: new Date().toISOString(),
    machine: describeMachine({ source: stage.streaming, target: stage.target }),
    comparisons,
    bars: moveBars(comparisons),
  };
}

async function compare(
  stage: SnapshotStage,
  { points, rounds, keep }: BenchOptions,
  shards: number,
  say: (line: string) => void,
): Promise<MoveComparison> {
  const collection = `bench-${shards}-${points}`;
  const { streaming: source, target } = stage;
  say(`${shards} shard(s): a source of ${points} points, and its index …`);
  const wanted = await openSource(source, collection, { points, shards }, keep);
  const exact = await nearest(source, collection, true);
  const recall = recallOf(exact, await nearest(source, collection, false));
  const course = { stage, from: 'streaming' as const, collection, points, shards, wanted };
  const left = { files: [], backups: {} };
  const bytes = await countSnapshotBytes({ ...course, left });
  say(`  ${JSON.stringify({ ...wanted, recall, bytes })}`);
  await stage.data.stop();
  await stage.data.start();
  const runs = await runMoveRounds({ ...course, left, snapshotBytes: bytes }, exact, rounds, say);
  for (const side of [source, target]) await dropCollection(side, collection);
  const summaries = summariseMoves(runs);
  return { shards, points, rounds, bytes, source: { ...wanted, recall }, summaries, runs };
}
