// Filling a source and building its graph takes minutes, and none of it is measured. Kept as the snapshots of its shards,
// a later run begins with the very same collection.

import { access, mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Server } from '../collections.js';
import { curl } from '../snapshots/curl.js';
import { shardPath } from '../snapshots/pipes.js';
import { createIndexed, makeSource, settled, type Sight } from './indexed-collection.js';

export interface SourceSize {
  points: number;
  shards: number;
}

/** Out of the folder, or made, and then kept there if one is named. */
export async function openSource(
  server: Server,
  name: string,
  size: SourceSize,
  folder: string | undefined,
): Promise<Sight> {
  if (folder === undefined) return makeSource(server, name, size);
  const files = Array.from({ length: size.shards }, (_, shard) => join(folder, `${name}-${shard}.snapshot`));
  const found = await Promise.all(files.map(isThere));
  if (found.every(Boolean)) return recover(server, name, files);
  const sight = await makeSource(server, name, size);
  await mkdir(folder, { recursive: true });
  for (const [shard, file] of files.entries()) {
    await curl(['--output', `${file}.part`, `${server.url}${shardPath(name, shard)}/snapshot`]);
    await rename(`${file}.part`, file);
  }
  return sight;
}

async function recover(server: Server, name: string, files: readonly string[]): Promise<Sight> {
  await createIndexed(server, name, files.length);
  for (const [shard, file] of files.entries()) {
    const url = `${server.url}${shardPath(name, shard)}/snapshots/upload?priority=snapshot&wait=true`;
    await curl(['--output', '/dev/null', '--form', `snapshot=@${file}`, url]);
  }
  return settled(server, name);
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
