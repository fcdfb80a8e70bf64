// What the move of shards is held against: the same bytes on the same way, streamed by the source into one curl and sent
// to the target by another.

import { overShards } from '../snapshots/curl.js';
import { layOutForms, pipeThrough } from '../snapshots/form-pipe.js';
import { shardPath } from '../snapshots/pipes.js';
import { sourceOf, type SnapshotCourse } from '../snapshots/snapshot-contestant.js';
import type { MoveContestant } from './move-contestant.js';

export const NODE_PIPE = 'plain pipe from the source into the target, curl';

export const nodePipe: MoveContestant = {
  lines: [NODE_PIPE],
  target: 'empty',
  run: async (course) => {
    const forms = await layOutForms(course, streamsOf(course));
    const bytes = () => Promise.resolve(course.snapshotBytes);
    return { [NODE_PIPE]: await overShards(course, bytes, (shard) => pipeThrough(course, forms[shard]!)) };
  },
};

/** All of it read once, and thrown away. */
export async function countSnapshotBytes(course: SnapshotCourse): Promise<number> {
  let bytes = 0;
  for (const address of streamsOf(course)) {
    const answer = await fetch(address, { headers: { 'accept-encoding': 'identity' } });
    if (!answer.ok || answer.body === null) throw new Error(`${address} answered ${answer.status}`);
    for await (const chunk of answer.body) bytes += chunk.length;
  }
  return bytes;
}

function streamsOf(course: SnapshotCourse): string[] {
  const { collection, shards } = course;
  const { url } = sourceOf(course);
  return Array.from({ length: shards }, (_, shard) => `${url}${shardPath(collection, shard)}/snapshot`);
}
