// What everything else is held against: the same bytes by curl. From Qdrant to a file; from the file to the gateway;
// from the file into the target.

import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { qdrantRequest } from '../../demo/fill-collection.js';
import { curl, overShards } from './curl.js';
import { presignedPut } from './presigned.js';
import { sourceOf, type SnapshotContestant, type SnapshotCourse } from './snapshot-contestant.js';

export const PIPE = 'plain pipe to the disk, curl';
export const PIPE_KEPT = '… until the disk has it (fdatasync)';
export const PLAIN_PUT = 'plain PUT of the file to the gateway, curl';
export const PLAIN_UPLOAD = 'plain upload of the file to the target, curl';

export const pipe: SnapshotContestant = {
  lines: [PIPE, PIPE_KEPT],
  run: async (course) => {
    const { stage, shards } = course;
    course.left.files = Array.from({ length: shards }, (_, shard) => join(stage.pipes, `${shard}.snapshot`));
    const piped = await overShards(
      course,
      () => sizeOf(course),
      (shard) => take(course, shard),
    );
    const began = performance.now();
    await Promise.all(course.left.files.map(keep));
    const seconds = piped.seconds + (performance.now() - began) / 1_000;
    return { [PIPE]: piped, [PIPE_KEPT]: { ...piped, seconds } };
  },
};

export const plainPut: SnapshotContestant = {
  lines: [PLAIN_PUT],
  run: async (course) => {
    const { stage, left, from } = course;
    const urls = await Promise.all(
      left.files.map((_, shard) => presignedPut(stage.gateway, plainKey(from, shard))),
    );
    const put = (shard: number) => curl(['--upload-file', left.files[shard]!, urls[shard]!]);
    return { [PLAIN_PUT]: await overShards(course, () => sizeOf(course), put) };
  },
};

export const plainUpload: SnapshotContestant = {
  lines: [PLAIN_UPLOAD],
  target: 'empty',
  run: async (course) => {
    const { left } = course;
    const upload = (shard: number) =>
      curl([
        ...['--output', '/dev/null', '--form', `snapshot=@${left.files[shard]}`],
        uploadUrl(course, shard),
      ]);
    return { [PLAIN_UPLOAD]: await overShards(course, () => sizeOf(course), upload) };
  },
};

/** The way ours takes it too: streamed, or made on the node, fetched and deleted there. */
async function take(course: SnapshotCourse, shard: number) {
  const { collection, from, left } = course;
  const { url } = sourceOf(course);
  const output = ['--output', left.files[shard]!];
  const path = shardPath(collection, shard);
  if (from === 'streaming') return curl([...output, `${url}${path}/snapshot`]);
  const made = JSON.parse(await qdrantRequest(url, 'POST', `${path}/snapshots?wait=true`)) as {
    result: { name: string };
  };
  const stored = `${path}/snapshots/${made.result.name}`;
  const measured = await curl([...output, `${url}${stored}`]);
  await qdrantRequest(url, 'DELETE', `${stored}?wait=true`);
  return measured;
}

async function keep(path: string): Promise<void> {
  const file = await open(path, 'r+');
  await file.datasync().finally(() => file.close());
}

export async function sizeOf({ left }: SnapshotCourse): Promise<number> {
  const sizes = await Promise.all(left.files.map(async (file) => (await stat(file)).size));
  return sizes.reduce((sum, one) => sum + one, 0);
}

/** Of what the plain PUT leaves. */
export function plainKey(from: SnapshotCourse['from'], shard: number): string {
  return `${from}/plain-${shard}.snapshot`;
}

export function uploadUrl({ stage, collection }: SnapshotCourse, shard: number): string {
  return `${stage.target.url}${shardPath(collection, shard)}/snapshots/upload?priority=snapshot&wait=true`;
}

export function shardPath(collection: string, shard: number): string {
  return `/collections/${collection}/shards/${shard}`;
}
