// One shard's snapshot into one shard of the target, on one node that holds a replica; Qdrant brings it to the others.
// May be repeated: a shard's content is replaced. Promises that a byte which is not what the manifest says never becomes
// part of a collection that counts: pushed, a wrong hash cuts the upload before its end and Qdrant refuses it; pulled,
// the object is hashed before, or Qdrant is told the hash.

import { FerryError } from '../model/errors.js';
import type { RecoverShardInput, RecoverShardResult } from '../model/backup-activities.js';
import type { ManifestShard } from '../model/manifest.js';
import type { ObjectStore } from '../storage/object-store.js';
import { readPlanned } from './recover-manifest.js';
import { hashShard, shardBytes, soleObject, wholeHash, type Passing } from './recover-objects.js';
import type { ShardNode, ShardNodes, Stores } from './recover-ports.js';

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
  const { into, peer } = input.shard;
  const wanted = {
    collection: input.target.collection,
    shard: into,
    ...(peer === undefined ? {} : { peer }),
  };
  const node = await nodes.holding(input.target.cluster, wanted, passing.signal);
  try {
    return { bytes: shard.bytes, via: await bring(node, store, shard, input, passing) };
  } finally {
    await node.close();
  }
}

async function bring(
  node: ShardNode,
  store: ObjectStore,
  shard: ManifestShard,
  input: RecoverShardInput,
  passing: Passing,
): Promise<'pull' | 'push'> {
  if (input.via === 'pull') {
    try {
      await pull(node, store, shard, input, passing);
      return 'pull';
    } catch (error) {
      if (!input.mayPush || !isRefusedByNode(error)) throw error;
    }
  }
  await push(node, store, shard, passing);
  return 'push';
}

async function pull(
  node: ShardNode,
  store: ObjectStore,
  shard: ManifestShard,
  { isChecked }: RecoverShardInput,
  passing: Passing,
): Promise<void> {
  const whole = wholeHash(shard);
  if (whole === undefined && !isChecked) await hashShard(store, shard, passing);
  const key = soleObject(shard);
  const url = key === undefined ? undefined : await store.presignedUrl(key, SIGNED_FOR_SECONDS);
  if (url === undefined) throw new FerryError('QdrantRejected', `${shard.name} cannot be pulled by a node`);
  await node.pull(url, whole, passing.signal);
}

async function push(
  node: ShardNode,
  store: ObjectStore,
  shard: ManifestShard,
  passing: Passing,
): Promise<void> {
  let damage: unknown;
  const body = async function* () {
    try {
      yield* shardBytes(store, shard, passing);
    } catch (error) {
      damage = error;
      throw error;
    }
  };
  const whole = wholeHash(shard);
  const file = {
    name: shard.name,
    bytes: shard.bytes,
    body: body(),
    ...(whole === undefined ? {} : { sha256: whole }),
  };
  try {
    await node.push(file, passing.signal);
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
