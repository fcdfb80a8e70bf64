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
import { recordedProof } from '../proofs.js';
import type { FoundManifest } from '../read-backup.js';
import { storedPoints, type Chain } from './chain.js';
import { readChecked } from './stored-stream.js';

export interface ChainDeps {
  store: ObjectStore;
  codec: PointCodec;
}

export interface RecoverableSlices {
  /** The snapshot of the shards that the chain begins with, where it does. */
  snapshot?: CollectionManifest;
  list: RecoverableSlice[];
  ids: IdSet;
  /** Of all links. */
  bytes: number;
  proof: { proof: { kind: ProofKind; digest: RangeDigest } };
  readThrough(passing: Passing): Promise<void>;
}

export function recoverableSlices({ store, codec }: ChainDeps, chain: Chain): RecoverableSlices {
  const [{ manifest }] = chain;
  const { slices = [] } = manifest;
  const first = (chain.at(-1) as FoundManifest).manifest;
  const snapshot = first.shards.length > 0 ? first : undefined;
  return {
    ...(snapshot === undefined ? {} : { snapshot }),
    list: slices.map((one) => ({
      slice: sliceOf(one),
      ...(snapshot === undefined ? { digest: one.digest } : {}),
      points: (stop) => storedPoints(store, chain, one, codec, stop),
    })),
    ids: {
      count: slices.reduce((sum, { ids }) => sum + ids.count, 0),
      pages: (stop) => idsOf(store, manifest, stop),
    },
    bytes: chain.reduce((sum, link) => sum + storedBytes(link.manifest), 0),
    proof: {
      proof: {
        kind: recordedProof(manifest)?.kind ?? 'stamped',
        digest: addDigests(...slices.map(({ digest }) => digest)),
      },
    },
    readThrough: async (passing) => {
      const parts = chain.flatMap(({ manifest: link }) => partsOf({ ...link, shards: [] }));
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
