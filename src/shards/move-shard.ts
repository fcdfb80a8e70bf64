// One shard's snapshot from the node that holds it into every replica of its shard on the target. `stream` passes it on
// while the node makes it; `stored` has the node keep a file, which the target's node fetches (pull) or which passes
// through here (push). May be repeated: a shard's content is replaced. Promises that a truncated or damaged snapshot
// never becomes a shard, that all replicas get one and the same snapshot, and that of what stays on the source's node
// the name is told.
//
//   stored:  names on the node ──▶ create ──▶ into each replica, one after the other ──▶ remove
//   Streams are not repeated for a second replica: what was written in between would make the two differ.
//   A call into a replica that an earlier attempt began, and whose answer it did not hear, is waited for first.

import { FerryError } from '../model/errors.js';
import type { MoveShardInput, MoveShardResult } from '../model/contracts/move-activities.js';
import { Pacer } from '../cluster/pacer.js';
import {
  dropFile,
  makeOrReuseFile,
  isOurs,
  leaveNode,
  noLongerThere,
  type CaptureState,
  type StoredFile,
} from './node-file.js';
import { wantedShard } from '../cluster/shard-layout.js';
import type { SnapshotNode, SnapshotNodes, SnapshotSource } from '../cluster/snapshots-port.js';
import type { Placing, ShardNode, ShardNodes, SnapshotFile } from '../cluster/receiver-port.js';
import { isRefusedByNode } from './recover-shard.js';
import {
  requireEnded,
  settledPull,
  settledPush,
  settleEarlier,
  type CallSite,
  type Flight,
} from './settled-call.js';
import { pump } from './pump.js';
import { SnapshotCheck } from './snapshot-check.js';

export interface MoveState extends CaptureState {
  /** Replicas that have the file named in `file`, and the way the last of them went. */
  filled?: number;
  via?: MoveShardResult['via'];
  /** A call into the next replica that may be going on. */
  flight?: Flight;
}

export interface MoveAttempt {
  state: MoveState;
  onProgress(state: MoveState, moved?: boolean): void;
  /** Resolves when the next attempt is sure to find it. */
  remember(state: MoveState): Promise<void>;
  signal: AbortSignal;
  /** Nobody wants it any more. */
  stop: AbortSignal;
}

export interface MoveDeps {
  nodes: SnapshotNodes;
  shardNodes: ShardNodes;
}

/** Its signal ends with the attempt's and with `stop`. */
interface Moving extends Omit<MoveAttempt, 'stop'> {
  input: MoveShardInput;
  node: SnapshotNode;
  source: SnapshotSource;
  shardNodes: ShardNodes;
  pacer: Pacer;
}

type Way = 'pull' | 'push';

export async function moveShard(
  { nodes, shardNodes }: MoveDeps,
  input: MoveShardInput,
  { stop, ...attempt }: MoveAttempt,
): Promise<MoveShardResult> {
  const { source, placed, maxMegabytesPerSecond } = input;
  const signal = AbortSignal.any([attempt.signal, stop]);
  const from = { collection: source.collection, shard: placed.shard.id };
  const node = await nodes.holding(source.cluster, wantedShard(source.collection, placed.shard), signal);
  const pacer = new Pacer(maxMegabytesPerSecond === undefined ? {} : { maxMegabytesPerSecond });
  const moving = { ...attempt, signal, input, node, source: from, shardNodes, pacer };
  try {
    return await (isStreamed(input) ? moveStreamed(moving) : moveStored(moving, stop));
  } finally {
    await node.close().catch(() => undefined);
  }
}

/** After the last attempt: takes the file off the node, or says where it stays. Throws where a call may be going on. */
export async function abandonMove(
  { nodes }: Pick<MoveDeps, 'nodes'>,
  { source, placed }: MoveShardInput,
  state: MoveState,
  signal: AbortSignal,
): Promise<string[]> {
  requireEnded(state.flight, placed.into);
  if (state.file === undefined) return [];
  const from = { collection: source.collection, shard: placed.shard.id };
  try {
    const node = await nodes.holding(source.cluster, wantedShard(source.collection, placed.shard), signal);
    return await dropFile({ state, node, source: from }).finally(() => node.close());
  } catch {
    return [`${state.file.name} on ${state.file.node}`];
  }
}

/** One replica to fill, and nothing that asks for a file. */
export function isStreamed({ mode, via, placed }: MoveShardInput): boolean {
  return mode === 'stream' && via !== 'pull' && placed.peers.length <= 1;
}

async function moveStreamed(moving: Moving): Promise<MoveShardResult> {
  const { input, node, source } = moving;
  const [peer] = input.placed.peers;
  const name = `${input.source.collection}-shard-${input.placed.shard.id}.snapshot`;
  const bytes = await intoReplica(moving, peer, async (shard) => {
    if (await isThere(moving, shard)) return moving.state.bytes;
    return pushed(moving, shard, { name, open: (ends) => node.stream(source, ends) });
  });
  return { bytes, via: 'push', leftOnNode: [] };
}

async function moveStored(moving: Moving, stop: AbortSignal): Promise<MoveShardResult> {
  const { input, state } = moving;
  try {
    // Another node's file is another snapshot: no replica has it yet.
    if (state.file?.node !== moving.node.url) forgetFilled(state);
    const file = await makeOrReuseFile(moving);
    let via = state.via ?? (input.via === 'push' ? 'push' : 'pull');
    for (const [at, peer] of input.placed.peers.entries()) {
      if (at < (state.filled ?? 0)) continue;
      via = await intoReplica(moving, peer, (shard) => fill(moving, shard, file, via));
      Object.assign(state, { filled: at + 1, via });
      moving.onProgress(state, true);
    }
    return { bytes: file.bytes, via, leftOnNode: await leaveNode(moving) };
  } catch (error) {
    const isFinal = stop.aborted || (error instanceof FerryError && !error.retryable);
    if (isFinal) await dropFile(moving);
    throw error;
  }
}

/** Returns the way it went; a replica that refused to pull is a sign for the others. */
async function fill(moving: Moving, shard: ShardNode, file: StoredFile, via: Way): Promise<Way> {
  const { input, state, signal } = moving;
  const { priority } = placingFor(input);
  const began = state.flight?.via;
  if (began !== undefined && (await isThere(moving, shard, file))) return began;
  if (via === 'pull' && mayPull(moving, file)) {
    const { url, apiKey } = moving.node.locate(moving.source, file.name);
    const sha256 = file.sha256 === undefined ? {} : { sha256: file.sha256 };
    const placing: Placing = { priority, ...sha256, ...(apiKey === undefined ? {} : { apiKey }) };
    try {
      await settledPull(siteOf(moving, shard, file), () => shard.pull(url, placing, signal));
      return 'pull';
    } catch (error) {
      if (input.via === 'pull') throw await pullFailure(moving, file, error);
      if (!isRefusedByNode(error)) throw error;
    }
  }
  await pushFile(moving, shard, file);
  return 'push';
}

/**
 * Without a hash the target's node would take whatever it finds behind the address as it sees it. And the source's key is
 * handed to another cluster only where `via: "pull"` says so, and so is a node sent where its own certificate is asked for.
 */
function mayPull({ input, node, source }: Moving, file: StoredFile): boolean {
  const { apiKey, asksForCertificate } = node.locate(source, file.name);
  const isSafe = file.sha256 !== undefined && apiKey === undefined && !asksForCertificate;
  if (input.via !== 'pull') return isSafe;
  if (file.sha256 !== undefined) return true;
  const happened = `${node.url} reports no checksum of its snapshots (it keeps them in S3), so they cannot be pulled`;
  throw new FerryError('InvalidInput', `${happened}: set \`via\` (\`--via\`) to "push" or "auto"`);
}

async function pushFile(moving: Moving, shard: ShardNode, file: StoredFile): Promise<void> {
  const { node, source, signal } = moving;
  const download = await node.download(source, file.name, 0, signal);
  // Out of S3 no length is told; there the archive's own end tells it.
  if (!download || (download.bytes ?? file.bytes) !== file.bytes) {
    forgetFile(moving);
    throw noLongerThere(node, file);
  }
  const { name, bytes, sha256 } = file;
  const expected = { name, bytes, ...(sha256 === undefined ? {} : { sha256 }) };
  try {
    await pushed(moving, shard, { ...expected, open: () => download.body });
  } catch (error) {
    throw isDamaged(error) ? await beginAgain(moving, error) : error;
  }
}

function isDamaged(error: unknown): boolean {
  return error instanceof FerryError && error.code === 'SnapshotDamaged';
}

/** A file that was replaced or removed meanwhile is no reason to give up. */
async function pullFailure(moving: Moving, file: StoredFile, error: unknown): Promise<unknown> {
  if (!(error instanceof FerryError) || error.retryable) return error;
  if (isDamaged(error)) return beginAgain(moving, otherHash(file, error));
  return (await isOurs(file, moving)) ? error : beginAgain(moving, noLongerThere(moving.node, file));
}

/** With another file: the node's disk gave other bytes than were written, or a file of the same second has the name. */
async function beginAgain(moving: Moving, why: unknown): Promise<unknown> {
  await dropFile(moving);
  forgetFile(moving);
  return why;
}

function forgetFile({ state, onProgress }: Moving): void {
  delete state.file;
  forgetFilled(state);
  onProgress(state, false);
}

function forgetFilled(state: MoveState): void {
  delete state.filled;
  delete state.via;
}

/** Each of several replicas gets the file itself: what Qdrant copies between them loses integers from 2^63 on. */
function placingFor({ placed }: MoveShardInput): Pick<Placing, 'priority'> {
  return { priority: placed.peers.length > 1 ? 'no_sync' : 'snapshot' };
}

interface Pushing extends Partial<Pick<StoredFile, 'bytes' | 'sha256'>> {
  name: string;
  open(signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** Returns how many bytes passed. */
async function pushed(moving: Moving, shard: ShardNode, { name, open, ...known }: Pushing): Promise<number> {
  const { input, source, signal, pacer } = moving;
  const placing = placingFor(input);
  const what = `The snapshot of shard ${input.placed.shard.id} of "${input.source.collection}"`;
  const check = new SnapshotCheck({ what, source, isRemade: true, ...known });
  const onBytes = () => report(moving, check.bytes);
  const { bytes } = known;
  const site = siteOf(moving, shard, known);
  await pump({ open, check, pacer, onBytes, signal }, ({ body }) => {
    const file: SnapshotFile = { name, body: body(), ...(bytes === undefined ? {} : { bytes }) };
    return settledPush(site, file, (watched) => shard.push(watched, placing, signal));
  });
  return check.bytes;
}

/** Each report costs a heartbeat's encoding. */
const REPORT_EVERY_BYTES = 1024 ** 2;

function report({ state, onProgress }: Moving, bytes: number): void {
  state.bytes = bytes;
  if (bytes < state.best + REPORT_EVERY_BYTES) return;
  state.best = bytes;
  onProgress(state, true);
}

function otherHash({ name }: StoredFile, cause: unknown): FerryError {
  const happened = `The snapshot ${name} arrived with another SHA-256 than its node gives`;
  return new FerryError('SnapshotDamaged', happened, { cause, retryable: true });
}

/** What an earlier attempt began has come to its end, and the replica has it. */
async function isThere(moving: Moving, shard: ShardNode, file?: StoredFile): Promise<boolean> {
  return (await settleEarlier(siteOf(moving, shard, file))) === 'found';
}

function siteOf(moving: Moving, node: ShardNode, file?: { bytes?: number }): CallSite {
  const { input, state, signal, remember } = moving;
  const log = {
    last: state.flight ?? null,
    remember: (flight: Flight | null) => {
      if (flight === null) delete state.flight;
      else state.flight = flight;
      return remember(state);
    },
  };
  const { bytes } = file ?? {};
  return { node, log, signal, isAlone: input.isAlone ?? false, ...(bytes === undefined ? {} : { bytes }) };
}

async function intoReplica<T>(
  { input, shardNodes, signal }: Moving,
  peer: string | undefined,
  use: (shard: ShardNode) => Promise<T>,
): Promise<T> {
  const { target, placed } = input;
  const where = peer === undefined ? {} : { peer };
  const wanted = { collection: target.collection, shard: placed.into, ...where };
  const shard = await shardNodes.holding(target.cluster, wanted, signal);
  try {
    return await use(shard);
  } finally {
    await shard.close();
  }
}
