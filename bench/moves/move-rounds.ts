// Alternating rounds, and last one turn of scroll migration, which takes minutes. After each turn the target is searched: what was brought has to be found as well as on the source.

import { setTimeout as sleep } from 'node:timers/promises';
import { countPoints, dropCollection } from '../collections.js';
import { runProgram } from '../contestants/run-child.js';
import type { Moved } from '../snapshots/snapshot-contestant.js';
import { createIndexed } from './indexed-collection.js';
import type { MoveContestant, MoveCourse } from './move-contestant.js';
import { nodePipe } from './node-pipe.js';
import { scrollMigration, snapshotMigration } from './our-moves.js';
import { nearest, recallOf, type Nearest } from './recall.js';

export interface MoveRun extends Moved {
  line: string;
  round: number;
  recall: number;
}

const LINE_UP: readonly MoveContestant[] = [nodePipe, snapshotMigration('push'), snapshotMigration('pull')];
const PAUSE_MS = 1_000;

export async function runMoveRounds(
  course: MoveCourse,
  exact: Nearest,
  rounds: number,
  say: (line: string) => void,
): Promise<MoveRun[]> {
  const runs: MoveRun[] = [];
  const turn = async (round: number, contestant: MoveContestant) => {
    const { outing, recall } = await takeTurn(course, contestant, exact);
    for (const [line, moved] of Object.entries(outing)) {
      runs.push({ line, round, recall, ...moved });
      say(`  round ${round}: ${line}: ${moved.seconds.toFixed(2)} s, recall ${recall.toFixed(4)}`);
    }
  };
  // The first outing of anything is slower, ours and the servers' alike: not counted.
  await takeTurn(course, snapshotMigration('push'), exact);
  for (let round = 1; round <= rounds; round++) {
    for (const contestant of LINE_UP) await turn(round, contestant);
  }
  await turn(rounds, scrollMigration);
  return runs;
}

async function takeTurn(course: MoveCourse, contestant: MoveContestant, exact: Nearest) {
  const { collection, points, shards } = course;
  const { target } = course.stage;
  await dropCollection(target, collection);
  if (contestant.target === 'empty') await createIndexed(target, collection, shards);
  // What is unwritten yet would be written at the cost of this turn.
  await runProgram('sync', []);
  await sleep(PAUSE_MS);
  const outing = await contestant.run(course);
  const arrived = await countPoints(target, collection);
  if (arrived !== points) throw new Error(`${contestant.lines[0]} brought ${arrived} of ${points} points`);
  const recall = recallOf(exact, await nearest(target, collection, false));
  return { outing, recall };
}
