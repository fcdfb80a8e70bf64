// Collections on which a job held back indexing or strict mode, and then was gone without putting them back: their
// stamp says so, and nobody has their lock.

import { WorkflowNotFoundError } from '@temporalio/client';
import { swapAlias } from '../model/backup-names.js';
import type { CollectionRef } from '../model/collections.js';
import { writeLockId } from '../model/names.js';
import { workIn } from '../model/stamp.js';
import type { Controls } from '../transfer/control-port.js';
import { releaseTarget } from '../transfer/release-target.js';
import { examine, type Finding } from './finding.js';
import type { Temporal } from './temporal.js';

export async function forgottenHoldBacks(
  controls: Controls,
  temporal: Temporal,
  clusters: readonly string[],
): Promise<CollectionRef[]> {
  const found: CollectionRef[] = [];
  for (const cluster of clusters) {
    for (const collection of await controls
      .of(cluster)
      .collections()
      .catch(() => [])) {
      const { config } = await controls.of(cluster).info(collection);
      if (!workIn(config)?.heldBack) continue;
      if (!(await isLocked(temporal, { cluster, collection }))) found.push({ cluster, collection });
    }
  }
  return found;
}

export function mend(
  controls: Controls,
  forgotten: readonly CollectionRef[],
  really: boolean,
): Promise<Finding[]> {
  return Promise.all(
    forgotten.map(async (target): Promise<Finding> => {
      const what = `collection ${target.cluster}/${target.collection}`;
      const left = 'a job that is gone left indexing or strict mode held back';
      if (!really) return { ok: false, what, says: `${left}; start the job again, or mend it with --mend` };
      return examine(what, async () => {
        // What to put back stands in the stamp; this is only for versions of Qdrant without one.
        await releaseTarget(controls, { target, heldBack: { indexingThreshold: 'null' }, owned: true });
        return `${left}; put back now`;
      });
    }),
  );
}

async function isLocked(temporal: Temporal, { cluster, collection }: CollectionRef): Promise<boolean> {
  const names = [collection, swapAlias(collection)].filter((name) => name !== undefined);
  const locks = await Promise.all(names.map((name) => isWorkedOn(temporal, writeLockId(cluster, name))));
  return locks.includes(true);
}

async function isWorkedOn(temporal: Temporal, workflowId: string): Promise<boolean> {
  try {
    const now = await temporal.call(() => temporal.client.workflow.getHandle(workflowId).describe());
    return now.status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}
