// Alternating rounds, each on stores without a backup and, before each turn, on a disk that has written what it was
// given: what one contestant left unwritten would otherwise be written at the cost of the next.

import { setTimeout as sleep } from 'node:timers/promises';
import { countPoints, createCollection, dropCollection } from '../collections.js';
import { runProgram } from '../contestants/run-child.js';
import { gatewayPipe } from './gateway-pipe.js';
import { capture, recovery } from './our-snapshots.js';
import { pipe, plainPut, plainUpload } from './pipes.js';
import type { Moved, SnapshotContestant, SnapshotCourse, SnapshotOuting } from './snapshot-contestant.js';

export interface SnapshotRun extends Moved {
  line: string;
  round: number;
}

/** In this order: the plain ones leave files, and captures leave backups, to those behind them. */
export const SNAPSHOT_LINE_UP: readonly SnapshotContestant[] = [
  pipe,
  capture('gateway'),
  capture('disk'),
  plainPut,
  plainUpload,
  gatewayPipe,
  recovery('gateway', 'pull'),
  recovery('gateway', 'push'),
  recovery('disk', 'push'),
];

const PAUSE_MS = 1_000;

export async function runSnapshotRounds(
  course: SnapshotCourse,
  rounds: number,
  say: (line: string) => void,
): Promise<SnapshotRun[]> {
  const runs: SnapshotRun[] = [];
  // The first outing of anything is slower, ours and the servers' alike: not counted.
  await takeTurn(course, capture('gateway'));
  for (let round = 1; round <= rounds; round++) {
    await course.stage.emptyStores();
    for (const contestant of SNAPSHOT_LINE_UP) {
      for (const [line, moved] of Object.entries(await takeTurn(course, contestant))) {
        runs.push({ line, round, ...moved });
        const rate = moved.bytes / 1e6 / moved.seconds;
        say(`  round ${round}: ${line}: ${moved.seconds.toFixed(2)} s, ${rate.toFixed(0)} MB/s`);
      }
    }
  }
  await course.stage.emptyStores();
  return runs;
}

async function takeTurn(course: SnapshotCourse, contestant: SnapshotContestant): Promise<SnapshotOuting> {
  const { stage, collection, points, shards } = course;
  if (contestant.target !== undefined) await dropCollection(stage.target, collection);
  if (contestant.target === 'empty') await createCollection(stage.target, collection, shards);
  await runProgram('sync', []);
  await sleep(PAUSE_MS);
  const outing = await contestant.run(course);
  if (contestant.target === undefined) return outing;
  const arrived = await countPoints(stage.target, collection);
  if (arrived !== points) throw new Error(`${contestant.lines[0]} brought ${arrived} of ${points} points`);
  return outing;
}
