// One shard's snapshot into one replica of a shard of the target. Where there are several, each gets the file itself:
// left to Qdrant, the others are filled over gRPC, which turns integers from 2^63 on into doubles (1.16.3 and 1.17.0).
// May be repeated: a shard's content is replaced. Promises that a byte which is not what the manifest says never becomes
// part of a collection that counts: pushed, a wrong hash cuts the upload before its end and Qdrant refuses it; pulled,
// the object is hashed before, or Qdrant is told the hash.

import { FerryError } from '../model/errors.js';
import type { RecoverShardInput, RecoverShardResult } from '../model/backup-activities.js';
import type { ManifestShard } from '../model/manifest.js';
import type { ObjectStore } from '../storage/object-store.js';
import { readPlanned } from './recover-manifest.js';
import { hashShard, shardBytes, soleObject, wholeHash, type Passing } from './recover-objects.js';
import type { Placing, ShardNode, ShardNodes, Stores } from './recover-ports.js';

/** The node begins at once, and S3 looks at the signature only when the download begins. */
const SIGNED_FOR_SECONDS = 3_600;

export async function recoverShard(
  nodes: ShardNodes,
  stores: Stores,
  input: RecoverShardInput,
  passing: Passing,
): Promise<RecoverShardResult> {
  const store = stores.open(input.from.store);
  const manifest = await readPlanned(store, input.from, input.manifestSha256, passing.signal);
  const shard = manifest.shards[input.shard.position];
  if (!shard) throw new FerryError('Internal', `The manifest has no shard at ${input.shard.position}`);
  const { into, peer, isReplica } = input.shard;
  const wanted = {
    collection: input.target.collection,
    shard: into,
    ...(peer === undefined ? {} : { peer }),
  };
  const node = await nodes.holding(input.target.cluster, wanted, passing.signal);
  try {
    const sha256 = wholeHash(shard);
    const priority = isReplica ? 'no_sync' : 'snapshot';
    const placing: Placing = { priority, ...(sha256 === undefined ? {} : { sha256 }) };
    return { bytes: shard.bytes, via: await bring({ node, store, shard, placing }, input, passing) };
  } finally {
    await node.close();
  }
}

interface Move {
  node: ShardNode;
  store: ObjectStore;
  shard: ManifestShard;
  placing: Placing;
}

async function bring(move: Move, input: RecoverShardInput, passing: Passing): Promise<'pull' | 'push'> {
  if (input.via === 'pull') {
    try {
      await pull(move, input, passing);
      return 'pull';
    } catch (error) {
      if (!input.mayPush || !isRefusedByNode(error)) throw error;
    }
  }
  await push(move, passing);
  return 'push';
}

async function pull(
  { node, store, shard, placing }: Move,
  { isChecked }: RecoverShardInput,
  passing: Passing,
): Promise<void> {
  if (placing.sha256 === undefined && !isChecked) await hashShard(store, shard, passing);
  const key = soleObject(shard);
  const url = key === undefined ? undefined : await store.presignedUrl(key, SIGNED_FOR_SECONDS);
  if (url === undefined) throw new FerryError('QdrantRejected', `${shard.name} cannot be pulled by a node`);
  await node.pull(url, placing, passing.signal);
}

async function push({ node, store, shard, placing }: Move, passing: Passing): Promise<void> {
  let damage: unknown;
  const body = async function* () {
    try {
      yield* shardBytes(store, shard, passing);
    } catch (error) {
      damage = error;
      throw error;
    }
  };
  const file = { name: shard.name, bytes: shard.bytes, body: body() };
  try {
    await node.push(file, placing, passing.signal);
  } catch (error) {
    passing.signal.throwIfAborted();
    throw damage ?? error;
  }
}

/** The node could not get at the file, or forbids addresses; the store and we may well. */
function isRefusedByNode(error: unknown): boolean {
  return (
    error instanceof FerryError && (error.code === 'QdrantRejected' || error.code === 'QdrantUnavailable')
  );
}
