// One shard's snapshot into one replica of a shard of the target. Where there are several, each gets the file itself:
// left to Qdrant, the others are filled over gRPC, which turns integers from 2^63 on into doubles (1.16.3 and 1.17.0).
// May be repeated: a shard's content is replaced. Promises that a byte which is not what the manifest says never becomes
// part of a collection that counts: pushed, a wrong hash cuts the upload before its end and Qdrant refuses it; pulled,
// the object is hashed before, or Qdrant is told the hash. Nor does a call begin while an earlier one may be running.

import { FerryError } from '../model/errors.js';
import type { RecoverShardInput, RecoverShardResult } from '../model/contracts/recovery-activities.js';
import { pump } from './pump.js';
import type { Placing, ShardNode, ShardNodes } from '../cluster/receiver-port.js';
import { readThrough, type Passing, type RecoverableShard } from './recoverable-collection.js';
import { settledPull, settledPush, settleEarlier, type CallSite, type FlightLog } from './settled-call.js';

/** The node begins at once, and S3 looks at the signature only when the download begins. */
const SIGNED_FOR_SECONDS = 3_600;

export async function recoverShard(
  nodes: ShardNodes,
  shard: RecoverableShard,
  input: RecoverShardInput,
  passing: Passing,
  log: FlightLog,
): Promise<RecoverShardResult> {
  const { into, peer, isReplica } = input.shard;
  const wanted = {
    collection: input.target.collection,
    shard: into,
    ...(peer === undefined ? {} : { peer }),
  };
  const node = await nodes.holding(input.target.cluster, wanted, passing.signal);
  try {
    const { sha256, bytes } = shard;
    const priority = isReplica ? 'no_sync' : 'snapshot';
    const placing: Placing = { priority, ...(sha256 === undefined ? {} : { sha256 }) };
    const { isAlone = false } = input;
    const site = { node, log, signal: passing.signal, bytes, isAlone };
    const via = await bring({ node, shard, placing, site }, input, passing);
    await refuseLoss(node, shard, passing.signal);
    return { bytes, via };
  } finally {
    await node.close();
  }
}

interface Move {
  node: ShardNode;
  shard: RecoverableShard;
  placing: Placing;
  site: CallSite;
}

async function bring(move: Move, input: RecoverShardInput, passing: Passing): Promise<'pull' | 'push'> {
  const { site } = move;
  const earlier = site.log.last?.via;
  if (earlier !== undefined && (await settleEarlier(site)) === 'found') return earlier;
  if (input.via === 'pull') {
    try {
      await pull(move, input, passing);
      return 'pull';
    } catch (error) {
      if (!isRefusedByNode(error)) throw error;
      if (!input.mayPush) throw await reasonInStore(move, passing, error);
    }
  }
  await push(move, passing);
  return 'push';
}

async function pull(
  { node, shard, placing, site }: Move,
  { isChecked }: RecoverShardInput,
  passing: Passing,
): Promise<void> {
  if (placing.sha256 === undefined && !isChecked) await readThrough(shard, passing);
  const url = await shard.address(SIGNED_FOR_SECONDS);
  if (url === undefined) throw new FerryError('QdrantRejected', `${shard.name} cannot be pulled by a node`);
  await settledPull(site, () => node.pull(url, placing, passing.signal));
}

async function push({ node, shard, placing, site }: Move, passing: Passing): Promise<void> {
  const { signal } = passing;
  const open = (ends: AbortSignal) => shard.read({ ...passing, signal: ends });
  await pump({ open, signal }, ({ body }) => {
    const file = { name: shard.name, bytes: shard.bytes, body: body() };
    // Every byte is hashed on its way: that the node hashes the file again would only take its time.
    return settledPush(site, file, (watched) => node.push(watched, { priority: placing.priority }, signal));
  });
}

/** A node reports only that the file is not the one it was promised; which object is damaged, its bytes tell. */
async function reasonInStore({ shard }: Move, passing: Passing, refusal: unknown): Promise<unknown> {
  if (refusal instanceof FerryError && refusal.retryable) return refusal;
  try {
    await readThrough(shard, passing);
  } catch (reason) {
    passing.signal.throwIfAborted();
    return reason;
  }
  const wasHarmedOnTheWay = refusal instanceof FerryError && refusal.code === 'SnapshotDamaged';
  if (!wasHarmedOnTheWay) return refusal;
  const happened = `${refusal.happened}, although ${shard.name} is intact in the store`;
  return new FerryError('SnapshotIncomplete', happened, { cause: refusal, context: refusal.context });
}

/** A node may report success and have taken nothing: nobody counted these points before. */
async function refuseLoss(node: ShardNode, shard: RecoverableShard, signal: AbortSignal): Promise<void> {
  if (shard.points === undefined || (await node.points(signal)) !== 0) return;
  const held = await shard.points(signal);
  if (held === undefined || held === 0) return;
  const happened = `${shard.name} holds ${held} points, and the shard recovered from it holds none`;
  throw new FerryError('RecoveryDiffers', happened, { context: { shard: shard.id } });
}

/** The node could not get at the file, or forbids addresses; the store and we may well. */
export function isRefusedByNode(error: unknown): boolean {
  const codes = ['QdrantRejected', 'QdrantUnavailable', 'SnapshotDamaged'];
  return error instanceof FerryError && codes.includes(error.code);
}
