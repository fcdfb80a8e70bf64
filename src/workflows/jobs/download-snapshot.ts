// A snapshot that lies on a node, into a store under a key that nobody else has used. Goes on after a kill; the object is
// hashed, and compared with Qdrant's own checksum where it gives one.

import { setCurrentDetails } from '@temporalio/workflow';
import { parseInput } from '../../model/contracts/inputs.js';
import type { DownloadSnapshotResult } from '../../model/contracts/snapshot-activities.js';
import { downloadSnapshotSchema, given, scopeOf } from '../../model/contracts/snapshot-inputs.js';
import { surfacing } from '../runtime/failures.js';
import { runActivity } from '../runtime/run-activity.js';

export async function downloadSnapshot(input: unknown): Promise<DownloadSnapshotResult> {
  return surfacing(async () => {
    const startedAt = Date.now();
    const parsed = parseInput(downloadSnapshotSchema, input);
    const { cluster, node, snapshot: name, object, maxMegabytesPerSecond, heartbeatSeconds } = parsed;
    const place = { cluster, store: parsed.store ?? null };
    const located = await runActivity('locateSnapshots', place, `where ${cluster} and the store are`);
    const { store = '', storeQueue = located.dataQueue } = located;
    const what = `download ${name} to ${store}`;
    setCurrentDetails(what);
    const order = { what, cluster, name, store, object, ...given({ node, maxMegabytesPerSecond }) };
    const where = { taskQueue: storeQueue, heartbeatSeconds, summary: what };
    const done = await runActivity('downloadToStore', { ...order, ...scopeOf(parsed) }, where);
    return { ...done, seconds: Math.round((Date.now() - startedAt) / 100) / 10 };
  });
}
