// Is memory flat in the size of the collection? Our migration at the given and at four times the points, each with a
// data worker that has just been started.

import { createCollection, dropCollection, fillSource } from './collections.js';
import type { Course } from './contestants/contestant.js';
import { ours } from './contestants/ours.js';

export interface MemoryRun {
  points: number;
  peakBytes: number;
  seconds: number;
}

export async function measureMemory(course: Course, say: (line: string) => void): Promise<MemoryRun[]> {
  const runs: MemoryRun[] = [];
  for (const points of [course.points, course.points * 4]) {
    const { stage } = course;
    const collection = `bench-memory-${points}`;
    say(`memory: ${points} points`);
    await createCollection(stage.source, collection, 1);
    await fillSource(stage.source, collection, points);
    await stage.data.stop();
    await stage.data.start();
    const outing = await ours.run({ ...course, collection, points, shards: 1 });
    const lines = Object.values(outing);
    runs.push({
      points,
      peakBytes: Math.max(...lines.map(({ peakBytes }) => peakBytes)),
      seconds: Math.max(...lines.map(({ seconds }) => seconds)),
    });
    for (const side of [stage.source, stage.target]) await dropCollection(side, collection);
  }
  return runs;
}
