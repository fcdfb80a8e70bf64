// A mark on a collection that is read, so that it can be distinguished from another one of the same name and shape that takes its
// place: the stamp with nothing but a creation id. Promises that the owner's metadata stays as it is, and that of two who
// mark at once both end up with the same id. Where nothing can be written it returns a note: then the collection is known by
// Qdrant's own id, or by its shape alone.

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CollectionRef } from '../model/collections.js';
import { FerryError } from '../model/errors.js';
import { can } from '../model/qdrant-version.js';
import { stampMetadata, stampOf } from '../model/stamp.js';
import type { ClusterControl } from './control-port.js';

/** Longer than two who find no mark at the same moment can be apart when they write theirs. */
const RACE_MS = 200;

/** Call it before the first look at the collection. Sentences for the result where the evidence is weaker. */
export async function markCollection(
  control: ClusterControl,
  { collection }: CollectionRef,
  signal?: AbortSignal,
): Promise<string[]> {
  if (await hasMark(control, collection, signal)) return [];
  const version = await control.version(signal);
  if (!can(version, 'metadata'))
    return weaker(control, collection, `Qdrant ${version} has no metadata`, signal);
  try {
    await control.change(collection, { metadata: stampMetadata({ creation: randomUUID() }) }, signal);
  } catch (error) {
    if (!(error instanceof FerryError) || error.retryable || error.code === 'CollectionNotFound') throw error;
    return weaker(control, collection, 'the key of this cluster may not write', signal);
  }
  await sleep(RACE_MS, undefined, signal === undefined ? {} : { signal });
  if (await hasMark(control, collection, signal)) return [];
  return weaker(control, collection, 'Qdrant did not keep the mark', signal);
}

/** Marks it, and gives the creation id that it has then: what is deleted later must be what was planned for. */
export async function markedCreation(
  control: ClusterControl,
  ref: CollectionRef,
  signal?: AbortSignal,
): Promise<string | undefined> {
  await markCollection(control, ref, signal);
  return stampOf((await control.info(ref.collection, signal)).config)?.creation;
}

async function hasMark(control: ClusterControl, collection: string, signal?: AbortSignal): Promise<boolean> {
  return stampOf((await control.info(collection, signal)).config) !== undefined;
}

async function weaker(
  control: ClusterControl,
  collection: string,
  why: string,
  signal?: AbortSignal,
): Promise<string[]> {
  if ((await control.collectionUuid(collection, signal)) !== undefined) return [];
  return [
    `"${collection}" could not be marked (${why}): if it is deleted and created again with the same vectors while this job runs, that is not noticed`,
  ];
}
