// Deletes one snapshot, by its full name, from one node. There is no pattern and no "all": where Qdrant keeps snapshots
// in S3 its lists hold other collections' and other nodes' too.

import { parseInput } from '../../model/contracts/inputs.js';
import type { DeleteSnapshotResult } from '../../model/contracts/snapshot-activities.js';
import { deleteSnapshotSchema, scopeOf } from '../../model/contracts/snapshot-inputs.js';
import { surfacing } from '../runtime/failures.js';
import { runActivity } from '../runtime/run-activity.js';

export async function deleteSnapshot(input: unknown): Promise<DeleteSnapshotResult> {
  return surfacing(async () => {
    const { cluster, node, snapshot: name, ...scope } = parseInput(deleteSnapshotSchema, input);
    const what = { cluster, node, name, ...scopeOf(scope) };
    return runActivity('deleteOnNode', what, `delete ${name} on ${node}`);
  });
}
