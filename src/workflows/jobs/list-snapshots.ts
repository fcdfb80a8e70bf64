// Lists the snapshots that lie on every node of a cluster, or on one: of a collection, a shard, or the whole node. A node
// that did not answer is named in the result. Long lists come in pages.

import { parseInput } from '../../model/contracts/inputs.js';
import type { ListSnapshotsResult } from '../../model/contracts/snapshot-activities.js';
import { given, listSnapshotsSchema, scopeOf } from '../../model/contracts/snapshot-inputs.js';
import { scopeText } from '../../model/snapshot-names.js';
import { surfacing } from '../runtime/failures.js';
import { runActivity } from '../runtime/run-activity.js';

export async function listSnapshots(input: unknown): Promise<ListSnapshotsResult> {
  return surfacing(async () => {
    const { cluster, node, after, ...scope } = parseInput(listSnapshotsSchema, input);
    const asked = { cluster, ...scopeOf(scope), ...given({ node, after }) };
    return runActivity('listOnNodes', asked, `list snapshots of ${scopeText(scopeOf(scope))}`);
  });
}
