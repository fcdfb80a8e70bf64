// Collections on which a job held back indexing or strict mode, and then was gone without putting them back: their
// stamp says so, and nobody has their lock.

import { WorkflowNotFoundError } from '@temporalio/client';
import { swapAlias } from '../../model/format/backup-names.js';
import type { CollectionRef } from '../../model/collections.js';
import { writeLockId } from '../../model/names.js';
import { workIn } from '../../model/stamp.js';
import type { Controls } from '../../cluster/control-port.js';
import { releaseTarget } from '../../target/release-target.js';
import { examine, type Finding } from './finding.js';
import type { Temporal } from '../temporal.js';

export interface Forgotten extends CollectionRef {
  /** Of the stamp. */
  job: string;
  renewedAt: string;
}

export async function forgottenHoldBacks(
  controls: Controls,
  temporal: Temporal,
  clusters: readonly string[],
): Promise<{ forgotten: Forgotten[]; unread: Finding[] }> {
  const forgotten: Forgotten[] = [];
  const unread: Finding[] = [];
  for (const cluster of clusters) {
    for (const collection of await controls
      .of(cluster)
      .collections()
      .catch(() => [])) {
      // One that cannot be read (a node is down) hides none of the others.
      const read = await examine(`collection ${cluster}/${collection}`, async () => {
        const { config } = await controls.of(cluster).info(collection);
        const work = workIn(config);
        if (!work?.heldBack || (await isLocked(temporal, { cluster, collection }))) return '';
        forgotten.push({ cluster, collection, job: work.job, renewedAt: work.renewedAt });
        return '';
      });
      if (!read.ok) unread.push({ ...read, says: `cannot be read. ${read.says}` });
    }
  }
  return { forgotten, unread };
}

export function releaseForgotten(
  controls: Controls,
  forgotten: readonly Forgotten[],
  really: boolean,
): Promise<Finding[]> {
  return Promise.all(
    forgotten.map(async ({ job, renewedAt, ...target }): Promise<Finding> => {
      const what = `collection ${target.cluster}/${target.collection}`;
      const left = `the job ${job} no longer runs (last sign of life ${renewedAt}) and left indexing or strict mode held back`;
      if (!really)
        return { ok: false, what, says: `${left}; start the job again, or run \`ferry doctor --fix\`` };
      return examine(what, async () => {
        // What to put back stands in the stamp; this is only for versions of Qdrant without one.
        await releaseTarget(controls, { target, heldBack: { indexingThreshold: 'null' }, owned: true });
        return `${left}; restored now`;
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
