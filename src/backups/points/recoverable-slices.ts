// A backup by points, and the chain that it ends, as a recovery sees it.

import { addDigests, type RangeDigest } from '../../model/format/digest.js';
import {
  partsOf,
  storedBytes,
  type CollectionManifest,
  type ManifestPart,
} from '../../model/format/manifest.js';
import type { ProofKind } from '../../model/contracts/recovery-activities.js';
import { sliceOf } from '../../model/state/slice.js';
import type { PointCodec } from '../../cluster/points-port.js';
import type { ObjectStore } from '../../storage/object-store.js';
import type { IdPage, IdSet, Passing, RecoverableSlice } from '../../shards/recoverable-collection.js';
import { readIdSet } from '../ids/read-id-set.js';
import { openChain, storedPoints } from './chain.js';
import { readChecked } from './stored-stream.js';

export interface ChainDeps {
  store: ObjectStore;
  codec: PointCodec;
}

export interface RecoverableSlices {
  list: RecoverableSlice[];
  ids: IdSet;
  /** Of all links. */
  bytes: number;
  proof: { proof: { kind: ProofKind; digest: RangeDigest } };
  readThrough(passing: Passing): Promise<void>;
}

export async function recoverableSlices(
  { store, codec }: ChainDeps,
  manifest: CollectionManifest,
  signal: AbortSignal,
): Promise<RecoverableSlices> {
  const chain = await openChain(store, manifest, signal);
  const { slices = [] } = manifest;
  return {
    list: slices.map((one) => ({
      slice: sliceOf(one),
      digest: one.digest,
      points: (stop) => storedPoints(store, chain, one, codec, stop),
    })),
    ids: {
      count: slices.reduce((sum, { ids }) => sum + ids.count, 0),
      pages: (stop) => idsOf(store, manifest, stop),
    },
    bytes: chain.reduce((sum, link) => sum + storedBytes(link.manifest), 0),
    proof: {
      proof: { kind: 'recorded', digest: addDigests(...slices.map(({ digest }) => digest)) },
    },
    readThrough: async (passing) => {
      const parts = chain.flatMap((link) => partsOf(link.manifest));
      for (const part of parts) await readPart(store, part, passing);
    },
  };
}

async function* idsOf(
  store: ObjectStore,
  { slices = [] }: CollectionManifest,
  signal: AbortSignal,
): AsyncGenerator<IdPage> {
  for (const { ids } of slices) yield* readIdSet(store, ids, signal);
}

async function readPart(store: ObjectStore, part: ManifestPart, passing: Passing): Promise<void> {
  for await (const chunk of readChecked(store, part, passing.signal)) await passing.onBytes?.(chunk.length);
}
