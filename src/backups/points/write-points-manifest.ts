// The manifest of a backup by points, out of what Qdrant says of the collection and the documents of its slices: of those
// that the captures answered with. Written once: an attempt that finds one returns it.

import type { WriteManifestResult } from '../../model/contracts/backup-activities.js';
import type { WritePointsManifestInput } from '../../model/contracts/point-backup-activities.js';
import { manifestKey } from '../../model/format/backup-names.js';
import { FerryError } from '../../model/errors.js';
import {
  collectionManifestSchema,
  storedBytes,
  type CollectionManifest,
} from '../../model/format/manifest.js';
import { type ManifestSlice } from '../../model/format/slices.js';
import { parseDocument } from '../../model/format/parse-document.js';
import { documentText } from '../../model/format/document-text.js';
import type { Layout } from '../../cluster/control-port.js';
import { keyName, shardKeysOf } from '../../cluster/look.js';
import { readIfThere, sha256OfText } from '../../shards/read-text.js';
import { readSlices } from './read-slice.js';
import { describeSource, type ManifestDeps } from '../capture/write-manifest.js';

export async function writePointsManifest(
  deps: ManifestDeps,
  input: WritePointsManifestInput,
  signal: AbortSignal,
): Promise<WriteManifestResult> {
  const { store } = deps;
  const key = manifestKey(input.cluster, input.backup, input.collection);
  const slices = await readSlices(store, input, input.captured, signal);
  const there = await readIfThere(store, key, signal);
  if (there !== undefined) {
    requireSame(parseDocument(collectionManifestSchema, there, key), slices, key);
    return resultOf(there, slices);
  }
  const { base, detect, since } = input;
  const { facts, layout } = await describeSource(deps, input, signal);
  const manifest: CollectionManifest = {
    ...facts,
    kind: base === undefined ? 'full' : 'increment',
    ...(base === undefined ? {} : { base }),
    points: slices.reduce((sum, { digest }) => sum + digest.count, 0),
    capture: { method: 'points', detect, ...(since === undefined ? {} : { since }) },
    shardKeys: keysOf(slices, layout),
    shards: [],
    slices,
    notes: input.notes,
  };
  await deps.confirm?.();
  const text = documentText(manifest);
  await store.put(key, Buffer.from(text), { ifAbsent: true, contentType: 'application/json' });
  return resultOf(text, slices);
}

/** A capture that was begun again has other slices than the manifest of the one before it. */
function requireSame({ slices = [] }: CollectionManifest, captured: ManifestSlice[], key: string): void {
  const keys = (some: readonly ManifestSlice[]) => some.map(({ ids }) => ids.key).join();
  if (keys(slices) === keys(captured)) return;
  throw new FerryError('ObjectExists', 'The manifest is of another capture of this backup', {
    context: { key },
  });
}

/** Keys that were dropped since the slices were planned are left out with their points: they have none any more. */
function keysOf(slices: readonly ManifestSlice[], layout: Layout): CollectionManifest['shardKeys'] {
  const captured = new Set(slices.flatMap(({ shardKey }) => (shardKey ? [keyName(shardKey)] : [])));
  return shardKeysOf(layout)
    .filter(({ key }) => captured.has(keyName(key)))
    .map(({ key, shards }) => ({
      shardKey: key,
      shards: shards.length,
      replicas: Math.max(1, shards[0]?.replicas.length ?? 1),
    }));
}

function resultOf(text: string, slices: ManifestSlice[]): WriteManifestResult {
  return { manifestSha256: sha256OfText(text), bytes: storedBytes({ shards: [], slices }), shards: 0 };
}
