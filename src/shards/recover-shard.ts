// One shard's snapshot into one replica of a shard of the target. Where there are several, each gets the file itself:
// left to Qdrant, the others are filled over gRPC, which turns integers from 2^63 on into doubles (1.16.3 and 1.17.0).
// May be repeated: a shard's content is replaced. Promises that a byte which is not what the manifest says never becomes
// part of a collection that counts: pushed, a wrong hash cuts the upload before its end and Qdrant refuses it; pulled,
// the object is hashed before, or Qdrant is told the hash. Nor does a call begin while an earlier one may be running.

import { FerryError } from '../model/errors.js';
import type { RecoverShardInput, RecoverShardResult } from '../model/contracts/recovery-activities.js';
import type { ManifestShard } from '../model/format/manifest.js';
import type { ObjectStore } from '../storage/object-store.js';
import { hashShard, soleObject, wholeHash, type Passing } from './recover-objects.js';
import type { Placing, ShardNode, ShardNodes, Stores } from './recover-ports.js';
import { openPlanned, type BackupSource, type ExternalSnapshots } from '../backups/recover/recover-source.js';
import { settledPull, settledPush, settleEarlier, type CallSite, type FlightLog } from './settled-call.js';

/** The node begins at once, and S3 looks at the signature only when the download begins. */
const SIGNED_FOR_SECONDS = 3_600;

export async function recoverShard(
  nodes: ShardNodes,
  stores: Stores,
  input: RecoverShardInput,
  passing: Passing,
  log: FlightLog,
): Promise<RecoverShardResult> {
  const source = await openPlanned(stores, input.from, input.manifestSha256, passing.signal);
  const shard = source.manifest.shards[input.shard.position];
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
    const { isAlone = false } = input;
    const site = { node, log, signal: passing.signal, bytes: shard.bytes, isAlone };
    const via = await bring({ node, source, shard, placing, site }, input, passing);
    if ('pointsIn' in source) await refuseLoss(node, source, shard, passing.signal);
    return { bytes: shard.bytes, via };
  } finally {
    await node.close();
  }
}

interface Move {
  node: ShardNode;
  source: BackupSource | ExternalSnapshots;
  shard: ManifestShard;
  placing: Placing;
  site: CallSite;
}

async function bring(move: Move, input: RecoverShardInput, passing: Passing): Promise<'pull' | 'push'> {
  const { source, site } = move;
  const earlier = site.log.last?.via;
  if (earlier !== undefined && (await settleEarlier(site)) === 'found') return earlier;
  if (input.via === 'pull' && 'store' in source) {
    try {
      await pull({ ...move, store: source.store }, input, passing);
      return 'pull';
    } catch (error) {
      if (!isRefusedByNode(error)) throw error;
      if (!input.mayPush) throw await reasonInStore(source.store, move, passing, error);
    }
  }
  await push(move, passing);
  return 'push';
}

async function pull(
  { node, store, shard, placing, site }: Move & { store: ObjectStore },
  { isChecked }: RecoverShardInput,
  passing: Passing,
): Promise<void> {
  if (placing.sha256 === undefined && !isChecked) await hashShard(store, shard, passing);
  const key = soleObject(shard);
  const url = key === undefined ? undefined : await store.presignedUrl(key, SIGNED_FOR_SECONDS);
  if (url === undefined) throw new FerryError('QdrantRejected', `${shard.name} cannot be pulled by a node`);
  await settledPull(site, () => node.pull(url, placing, passing.signal));
}

async function push({ node, source, shard, placing, site }: Move, passing: Passing): Promise<void> {
  let damage: unknown;
  const body = async function* () {
    try {
      yield* source.bytesOf(shard, passing);
    } catch (error) {
      damage = error;
      throw error;
    }
  };
  const file = { name: shard.name, bytes: shard.bytes, body: body() };
  try {
    // Every byte is hashed on its way: that the node hashes the file again would only take its time.
    await settledPush(site, file, (watched) =>
      node.push(watched, { priority: placing.priority }, passing.signal),
    );
  } catch (error) {
    passing.signal.throwIfAborted();
    throw damage ?? error;
  }
}

/** A node says only that the file is not the one it was promised; which object is damaged, its bytes tell. */
async function reasonInStore(
  store: ObjectStore,
  { shard }: Move,
  passing: Passing,
  refusal: unknown,
): Promise<unknown> {
  if (refusal instanceof FerryError && refusal.retryable) return refusal;
  try {
    await hashShard(store, shard, passing);
  } catch (reason) {
    passing.signal.throwIfAborted();
    return reason;
  }
  const wasHarmedOnTheWay = refusal instanceof FerryError && refusal.code === 'SnapshotDamaged';
  if (!wasHarmedOnTheWay) return refusal;
  const happened = `${refusal.happened}, and the store holds ${shard.name} as it should be`;
  return new FerryError('SnapshotIncomplete', happened, { cause: refusal, context: refusal.context });
}

/** A node may answer that all is well and have taken nothing: nobody counted these points before. */
async function refuseLoss(
  node: ShardNode,
  source: ExternalSnapshots,
  shard: ManifestShard,
  signal: AbortSignal,
): Promise<void> {
  if ((await node.points(signal)) !== 0) return;
  const held = await source.pointsIn(shard, signal);
  if (held === undefined || held === 0) return;
  const happened = `${shard.name} holds ${held} points, and the shard that was made of it none`;
  throw new FerryError('RecoveryDiffers', happened, { context: { shard: shard.id } });
}

/** The node could not get at the file, or forbids addresses; the store and we may well. */
export function isRefusedByNode(error: unknown): boolean {
  const codes = ['QdrantRejected', 'QdrantUnavailable', 'SnapshotDamaged'];
  return error instanceof FerryError && codes.includes(error.code);
}
