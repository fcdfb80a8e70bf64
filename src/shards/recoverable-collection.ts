// A collection as a recovery sees it: what it was, its shards with their bytes, and how its content is known. Two rooms
// provide it: backups/ (backups that ferry made) and external/ (snapshots that it did not). A recovery does not know
// which one it has.

import type { CollectionBackupRef } from '../model/contracts/backup-catalogue.js';
import type {
  RecoveryPlan,
  ResolveRecoveryInput,
  ResolveRecoveryResult,
} from '../model/contracts/recovery-activities.js';
import { FerryError } from '../model/errors.js';
import type { CollectionManifest, ManifestShard } from '../model/format/manifest.js';
import type { RecallDocument } from '../model/format/recall-document.js';
import type { PointId } from '../model/point-id.js';
import type { RangeDigest } from '../model/format/digest.js';
import type { ShardKey, Slice } from '../model/state/slice.js';

export interface Passing {
  signal: AbortSignal;
  onBytes?(bytes: number): void | Promise<void>;
}

export type RecoverableShard = Pick<ManifestShard, 'id' | 'shardKey' | 'ordinal' | 'name' | 'bytes'> & {
  /** Of the whole snapshot; absent where it is not known. */
  sha256?: string | undefined;
  /** The shard's snapshot. Throws before its end when a byte is not what was written, as far as hashes are known. */
  read(passing: Passing): AsyncIterable<Uint8Array>;
  /** An address from which a node can fetch exactly this snapshot. A secret. Undefined where there is none. */
  address(forSeconds: number): Promise<string | undefined>;
  /** Points that the snapshot's own lists hold, where nobody counted them before; undefined where that cannot be told. */
  points?(signal: AbortSignal): Promise<number | undefined>;
};

/** Some ids of one shard key, ascending over all pages of the key. A key without ids has one empty page. */
export interface IdPage {
  /** Absent without custom sharding. */
  shardKey?: ShardKey;
  ids: PointId[];
}

export interface IdSet {
  count: number;
  /** Throws `ObjectDamaged` before the first id when the set is not what was written. */
  pages(signal: AbortSignal): AsyncIterable<IdPage>;
}

export type CollectionFacts = Pick<
  CollectionManifest,
  'collection' | 'clusterIdentity' | 'info' | 'aliases' | 'sharding' | 'shardKeys'
>;

/** Points of one range of ids, as a store keeps them. */
export interface RecoverableSlice {
  slice: Slice;
  /** Of its points, where all of them are stored here: the others are in the shards. */
  digest?: RangeDigest;
  /** Ascending by id. Throws before its end when one is missing or not what was written. */
  points(signal: AbortSignal): AsyncIterable<Uint8Array>;
}

export interface RecoverableCollection extends CollectionFacts {
  /** Changes with all that a recovery would bring: a job keeps to the one that it planned with. */
  sha256: string;
  /** Empty where the slices hold all points. */
  shards: RecoverableShard[];
  /** Of a backup by points; written in any order, after the shards are in. */
  slices?: RecoverableSlice[];
  /** Of all objects that a recovery reads. */
  bytes: number;
  /** `made`: of the Qdrant that took the snapshots; `atLeast`: all that is known of it. */
  qdrantVersion: { made?: string; atLeast?: string };
  /** Absent where nobody counted them. */
  points?: number;
  /** False where payload indexes may exist that `info` does not list. */
  listsAllIndexes: boolean;
  notes: string[];
  /** The points that were alive after the last capture. */
  ids?: IdSet;
  hasRecall: boolean;
  /** Why a node cannot fetch the shards itself, whatever the place they lie in. */
  pushOnly?: string;
  /** `quick`: everything exists and is as long as it must be. `full`: every byte is read. The first fault is thrown. */
  check(depth: 'quick' | 'full', passing: Passing): Promise<void>;
  proof(signal: AbortSignal): Promise<{ proof?: NonNullable<RecoveryPlan['proof']>; notes: string[] }>;
  /** The baseline of searches; a sentence where there should be one and none can be used. */
  recall(signal: AbortSignal): Promise<RecallDocument | string | undefined>;
}

export type Recovery = ResolveRecoveryResult['recoveries'][number];

/** What a source has for an input. */
export interface RecoveryOffer {
  /** Collections that are meant, in order. */
  names: string[];
  notes: string[];
  run?: NonNullable<ResolveRecoveryResult['run']>;
  /** What one of them is recovered from, and what was passed over. */
  find(name: string): Promise<{ found: Recovery; notes: string[] }>;
  /** Absent: nothing of this source ever is. */
  isProved?(found: Recovery): Promise<boolean>;
}

export interface RecoverySource {
  offer(input: ResolveRecoveryInput, signal: AbortSignal): Promise<RecoveryOffer>;
  open(from: CollectionBackupRef, signal: AbortSignal): Promise<RecoverableCollection>;
  /** Where backups are pruned: none is removed while somebody reads it. */
  readers?: {
    note(from: CollectionBackupRef, reader: string): Promise<void>;
    remove(from: CollectionBackupRef, reader: string): Promise<void>;
  };
}

/** The very one that the recovery was planned with, or `ManifestInvalid`. */
export async function openPlanned(
  source: RecoverySource,
  from: CollectionBackupRef,
  sha256: string,
  signal: AbortSignal,
): Promise<RecoverableCollection> {
  const found = await source.open(from, signal);
  if (found.sha256 === sha256) return found;
  const { backup, collection } = from;
  throw new FerryError('ManifestInvalid', 'The backup changed after this recovery was planned', {
    context: { backup, collection },
  });
}

/** Whether the nodes fetch the shards themselves, and whether they may be sent where that fails. */
export async function wayFor(
  { collection, shards, pushOnly }: RecoverableCollection,
  via: 'auto' | 'pull' | 'push',
): Promise<{ via: 'pull' | 'push'; mayPush: boolean }> {
  if (via === 'push') return { via, mayPush: true };
  const addresses = pushOnly === undefined ? await Promise.all(shards.map((shard) => shard.address(60))) : [];
  const canPull = pushOnly === undefined && addresses.every((one) => one !== undefined);
  if (canPull) return { via: 'pull', mayPush: via === 'auto' };
  if (via === 'auto') return { via: 'push', mayPush: true };
  const why = pushOnly ?? `The store has no address from which a node could fetch "${collection}"`;
  throw new FerryError('InvalidInput', `${why}: set \`via\` to "push" or "auto"`);
}

export async function readThrough(shard: RecoverableShard, passing: Passing): Promise<void> {
  const bytes = shard.read(passing)[Symbol.asyncIterator]();
  while (!(await bytes.next()).done);
}
