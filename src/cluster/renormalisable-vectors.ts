// Vectors whose bits the target may change on upsert although nothing is wrong: Qdrant normalises float16 vectors
// with Cosine again when their length, after rounding, is not 1. Promises names only; whether a difference is one of
// these is decided point by point.

import type { CollectionRef } from '../model/collections.js';
import { bitsOf, settingsOf, vectorsOf } from '../model/settings/collection-settings.js';
import type { Controls } from './control-port.js';

export async function renormalisableVectors(
  controls: Controls,
  { cluster, collection }: CollectionRef,
  signal?: AbortSignal,
): Promise<ReadonlySet<string>> {
  const { config } = await controls.of(cluster).info(collection, signal);
  const vectors = Object.entries(vectorsOf(settingsOf(config)));
  const isSuch = vectors.filter(
    ([, vector]) => bitsOf(vector, 'datatype') === '"float16"' && bitsOf(vector, 'distance') === '"Cosine"',
  );
  return new Set(isSuch.map(([name]) => name));
}
