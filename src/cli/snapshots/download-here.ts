// `ferry snapshots download --to FILE`: from the node straight to the disk of this machine, without Temporal. What keeps
// it going over broken connections is here; what makes a killed run go on is backup/snapshots/download-to-file.ts.

import { setTimeout as sleep } from 'node:timers/promises';
import { nodeNamed, refOf, sourceOf, withNodes } from '../../snapshots/cluster-nodes.js';
import { downloadToFile, type DownloadedFile } from '../../snapshots/download-to-file.js';
import { fileOnNode } from '../../snapshots/snapshot-file.js';
import { scopeBehind } from '../../snapshots/snapshot-scope.js';
import type { FerryConfig } from '../../model/ferry-config.js';
import { FerryError } from '../../model/errors.js';
import type { NodeRef, SnapshotScope } from '../../model/contracts/snapshot-activities.js';
import { Pacer } from '../../cluster/pacer.js';
import type { ElapsedDisplay } from '../terminal/elapsed-display.js';
import { bytes } from '../terminal/formatting.js';

export interface DownloadOrder {
  cluster: string;
  scope: SnapshotScope;
  node?: string;
  name: string;
  path: string;
  maxMegabytesPerSecond?: number;
}

export type DownloadedHere = DownloadedFile & SnapshotScope & NodeRef & { cluster: string; name: string };

const PAUSE_MS = 2_000;
/** Without a byte more than before. */
const MOST_ATTEMPTS = 8;

export async function downloadHere(
  config: FerryConfig,
  order: DownloadOrder,
  display: ElapsedDisplay,
  signal: AbortSignal,
): Promise<DownloadedHere> {
  let most = 0;
  let vain = 0;
  for (;;) {
    const before = most;
    try {
      return await attempt(config, order, signal, (there, of) => {
        most = Math.max(most, there);
        display.show(`download ${order.name}, ${bytes(there)} of ${bytes(of)}`);
      });
    } catch (error) {
      signal.throwIfAborted();
      vain = most > before ? 0 : vain + 1;
      if (!(error instanceof FerryError) || !error.retryable || vain === MOST_ATTEMPTS) throw error;
      display.say(`${error.happened}; going on at ${bytes(most)}`);
      await sleep(PAUSE_MS, undefined, { signal });
    }
  }
}

async function attempt(
  config: FerryConfig,
  { cluster, scope: asked, node, name, path, maxMegabytesPerSecond }: DownloadOrder,
  signal: AbortSignal,
  onProgress: (there: number, of: number) => void,
): Promise<DownloadedHere> {
  const { clusterNodes } = await import('../../qdrant/cluster-nodes.js');
  const { qdrantControls } = await import('../../qdrant/control.js');
  const scope = await scopeBehind(qdrantControls(config.clusters), cluster, asked, signal);
  return withNodes(clusterNodes(config.clusters), cluster, signal, async (whole) => {
    const there = nodeNamed(cluster, whole, node);
    const file = await fileOnNode(cluster, there, scope, name, signal);
    const pacer = new Pacer(maxMegabytesPerSecond === undefined ? {} : { maxMegabytesPerSecond });
    const done = await downloadToFile({
      ...{ file, source: sourceOf(scope), path, signal },
      pace: (size) => pacer.take(0, size, signal),
      onProgress: (size) => onProgress(size, file.bytes),
    });
    return { cluster, ...scope, ...refOf(there), name, ...done };
  });
}
