// The backups of a store as a source of recoveries. Promises that what it opens is complete, or was named although it is
// partial, and that no byte of a shard and no id is given that is not what the manifest names.

import type { CollectionBackupRef } from '../model/contracts/backup-catalogue.js';
import { FerryError } from '../model/errors.js';
import { storedBytes, type CollectionManifest, type ManifestShard } from '../model/format/manifest.js';
import { parseDocument } from '../model/format/parse-document.js';
import { recallDocumentSchema, type RecallDocument } from '../model/format/recall-document.js';
import type { PointCodec } from '../cluster/points-port.js';
import type { ObjectStore } from '../storage/object-store.js';
import { readText, sha256OfText } from '../shards/read-text.js';
import { shardBytes, soleObject, wholeHash } from '../shards/recover-objects.js';
import {
  readThrough,
  type RecoverableCollection,
  type RecoverableShard,
  type RecoverySource,
} from '../shards/recoverable-collection.js';
import { chooseBackups } from './choose-backups.js';
import { collectionFolder } from '../model/format/backup-names.js';
import { requireUsable } from './read-backup.js';
import { isStamped, readProofs } from './proofs.js';
import { recoverableSlices, type ChainDeps } from './points/recoverable-slices.js';
import { readIdSet } from './ids/read-id-set.js';
import { noteReader, removeReader } from './retention/readers.js';

export function backupSource(
  open: (store: string) => ObjectStore,
  codec: PointCodec,
  now = () => new Date(),
): RecoverySource {
  return {
    offer: (input, signal) => chooseBackups(open(input.store), input, signal, now()),
    open: (from, signal) => openBackup({ store: open(from.store), codec }, from, signal),
    readers: {
      note: (from, reader) => noteReader(open(from.store), from, reader),
      remove: (from, reader) => removeReader(open(from.store), from, reader),
    },
  };
}

async function openBackup(
  deps: ChainDeps,
  from: CollectionBackupRef,
  signal: AbortSignal,
): Promise<RecoverableCollection> {
  const { store } = deps;
  const { found, bases, state, reason } = await requireUsable(store, from, { signal });
  const { manifest, sha256 } = found;
  const { ids, qdrantVersion: _version, slices: _slices, ...facts } = manifest;
  const slices = manifest.slices && recoverableSlices(deps, [found, ...bases]);
  const snapshot = slices === undefined ? manifest : slices.snapshot;
  const shards = (snapshot?.shards ?? []).map((shard) => recoverable(store, shard));
  const partial = `The backup ${from.backup} of "${from.collection}" is partial: ${reason}.`;
  return {
    ...facts,
    ...{ sha256, shards, listsAllIndexes: true },
    ...(slices && { slices: slices.list, ids: slices.ids }),
    bytes: slices?.bytes ?? storedBytes(manifest),
    // Points fit every version; Qdrant's snapshots do not.
    qdrantVersion: snapshot === undefined ? {} : { made: snapshot.qdrantVersion },
    notes: [...(state === 'partial' ? [partial] : []), ...manifest.notes],
    ...(ids && { ids: { count: ids.count, pages: (stop: AbortSignal) => readIdSet(store, ids, stop) } }),
    hasRecall: manifest.recall !== undefined,
    check: async (depth, passing) => {
      await requireUsable(store, from, { head: (key) => store.head(key), signal: passing.signal });
      if (depth === 'quick') return;
      for (const shard of shards) await readThrough(shard, passing);
      await slices?.readThrough(passing);
    },
    proof: async (stop) => {
      const best = await bestProof(store, from, sha256, stop);
      // A rehearsal of a link by field shows that it is recovered as it was stored, and nothing of what was not stamped.
      return isStamped(manifest) ? { ...best, ...slices?.proof } : { ...slices?.proof, ...best };
    },
    recall: (stop) => readRecall(store, manifest, stop),
  };
}

function recoverable(store: ObjectStore, shard: ManifestShard): RecoverableShard {
  const key = soleObject(shard);
  return {
    ...shard,
    sha256: wholeHash(shard),
    read: (passing) => shardBytes(store, shard, passing),
    address: async (seconds) => (key === undefined ? undefined : store.presignedUrl(key, seconds)),
  };
}

async function bestProof(
  store: ObjectStore,
  from: CollectionBackupRef,
  sha256: string,
  signal: AbortSignal,
): ReturnType<RecoverableCollection['proof']> {
  const keys: string[] = [];
  const folder = collectionFolder(from.cluster, from.backup, from.collection);
  for await (const { key } of store.list(`${folder}proof-`)) keys.push(key);
  const { best, notes } = await readProofs(store, from, sha256, keys, signal);
  if (best === undefined) return { notes };
  const { count, sum } = best.digest;
  return { proof: { kind: best.kind, digest: { count, sum } }, notes };
}

async function readRecall(
  store: ObjectStore,
  { recall, collection }: CollectionManifest,
  signal: AbortSignal,
): Promise<RecallDocument | string | undefined> {
  if (recall === undefined) return undefined;
  try {
    const text = await readText(store, recall.key, signal);
    if (sha256OfText(text) !== recall.sha256) return passedOver('it is not what was written');
    const document = parseDocument(recallDocumentSchema, text, recall.key);
    return document.collection === collection ? document : passedOver('it is of another collection');
  } catch (error) {
    if (error instanceof FerryError && !error.retryable) return passedOver(error.happened);
    throw error;
  }
}

function passedOver(why: string): string {
  return `The baseline of searches was passed over: ${why}`;
}
