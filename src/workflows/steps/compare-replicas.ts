// Before a collection is read: do the replicas of its shards hold as many points? Throws ReplicasDiffer unless the input
// allows it.

import type { CollectionRef } from '../../model/collections.js';
import { runActivity } from '../runtime/run-activity.js';

/** What is worth knowing of them, a sentence each. */
export async function compareReplicas(collection: CollectionRef, allow: boolean): Promise<string[]> {
  const summary = `compare the replicas of ${collection.collection} on ${collection.cluster}`;
  return (await runActivity('compareReplicas', { collection, allow }, summary)).notes;
}
