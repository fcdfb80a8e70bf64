// Alternating rounds: A B C, A B C, … on the same servers, so that what the machine does meanwhile hits everybody.

import { setTimeout as sleep } from 'node:timers/promises';
import { countPoints, createCollection, dropCollection } from './collections.js';
import type { Contestant, Course, Measured, Outing } from './contestants/contestant.js';
import { cpuSeconds } from './process-usage.js';

/** A line of the table in one round, with what the servers used while its contestant ran. */
export interface Run extends Measured {
  line: string;
  round: number;
  serverCpuSeconds: { source: number; target: number };
}

/** Deleted segments are cleared, and writes of the contestant before have gone to the disk. */
const PAUSE_MS = 1_500;

export async function runRounds(
  course: Course,
  contestants: readonly Contestant[],
  rounds: number,
  say: (line: string) => void,
): Promise<Run[]> {
  const runs: Run[] = [];
  // The first outing of anything is slower, ours and the servers' alike: not counted.
  for (const first of contestants.slice(0, 1)) await takeTurn(course, first);
  for (let round = 1; round <= rounds; round++) {
    for (const contestant of contestants) {
      const { outing, serverCpuSeconds } = await takeTurn(course, contestant);
      for (const [line, measured] of Object.entries(outing)) {
        runs.push({ line, round, ...measured, serverCpuSeconds });
        const rate = Math.round(course.points / measured.seconds);
        say(`  round ${round}: ${line}: ${measured.seconds.toFixed(2)} s, ${rate} points/s`);
      }
    }
  }
  return runs;
}

async function takeTurn(
  course: Course,
  contestant: Contestant,
): Promise<{ outing: Outing; serverCpuSeconds: Run['serverCpuSeconds'] }> {
  const { stage, collection, points, shards } = course;
  await dropCollection(stage.target, collection);
  if (contestant.wantsTarget) await createCollection(stage.target, collection, shards);
  await sleep(PAUSE_MS);
  const before = await serverCpu(course);
  const outing = await contestant.run(course);
  const after = await serverCpu(course);
  const arrived = await countPoints(stage.target, collection);
  if (arrived !== points) throw new Error(`${contestant.lines[0]} brought ${arrived} of ${points} points`);
  const serverCpuSeconds = { source: after.source - before.source, target: after.target - before.target };
  return { outing, serverCpuSeconds };
}

async function serverCpu({ stage }: Course): Promise<Run['serverCpuSeconds']> {
  const [source, target] = await Promise.all([stage.source.pid, stage.target.pid].map(cpuSeconds));
  return { source: source ?? 0, target: target ?? 0 };
}
