// The plain way: curl, as many at a time as ours has shards under way.

import { runProgram } from '../contestants/run-child.js';
import type { Measured } from '../contestants/contestant.js';
import { CpuRecorder } from '../process-usage.js';
import { SHARDS_AT_ONCE, serverPids, type Moved, type SnapshotCourse } from './snapshot-contestant.js';

export const PLAINLY = [
  '--silent',
  '--show-error',
  '--fail-with-body',
  '--header',
  'Accept-Encoding: identity',
];

export function curl(args: string[]): Promise<Measured> {
  return runProgram('curl', [...PLAINLY, ...args]);
}

/** `move` for every shard; what it answers is added up. The clock runs over all of them and what `end` does. */
export async function overShards(
  course: SnapshotCourse,
  bytes: () => Promise<number>,
  move: (shard: number) => Promise<Measured>,
): Promise<Moved> {
  const servers = new CpuRecorder(serverPids(course));
  await servers.start();
  const began = Date.now();
  const outings: Measured[] = [];
  const queue = Array.from({ length: course.shards }, (_, shard) => shard).values();
  const lane = async () => {
    for (const shard of queue) outings.push(await move(shard));
  };
  await Promise.all(Array.from({ length: SHARDS_AT_ONCE }, lane));
  const ended = Date.now();
  await servers.stop();
  return {
    seconds: (ended - began) / 1_000,
    cpuSeconds: outings.reduce((sum, one) => sum + one.cpuSeconds, 0),
    peakBytes: Math.max(...outings.map((one) => one.peakBytes)),
    bytes: await bytes(),
    serverCpuSeconds: servers.between(began, ended),
  };
}
