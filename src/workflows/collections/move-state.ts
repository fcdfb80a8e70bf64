// What the steps of one collection's snapshot migration share: the job, its state, and what follows from them.

import type { moveCollectionSchema } from '../../model/contracts/move-inputs.js';
import type * as z from 'zod';
import type { CollectionBackupRef } from '../../model/contracts/backup-catalogue.js';
import type { CollectionRef } from '../../model/collections.js';
import type { MovePlan, PlaceBackupResult } from '../../model/contracts/move-activities.js';
import { viaOf, type MoveProgress } from '../../model/state/move-progress.js';
import type { Sides } from '../../model/state/progress-state.js';
import type { MovedShards } from '../../model/contracts/results.js';
import type { CollectionJob } from '../runtime/collection-job.js';
import { failure } from '../runtime/failures.js';
import type { DataQueue } from '../runtime/run-activity.js';

export type MoveSettings = z.infer<typeof moveCollectionSchema>;

export class Move {
  readonly job: CollectionJob;
  readonly state: MoveProgress;
  readonly settings: MoveSettings;

  constructor(job: CollectionJob, state: MoveProgress, settings: MoveSettings) {
    this.job = job;
    this.state = state;
    this.settings = settings;
  }

  get options(): MoveSettings['options'] {
    return this.settings.options;
  }

  get source(): CollectionRef {
    return this.settings.source;
  }

  get plan(): MovePlan {
    return this.state.plan ?? tooEarly();
  }

  /** The collection that is really written. */
  get written(): CollectionRef {
    const { cluster, collection } = this.settings.target;
    return { cluster, collection: this.state.plan?.writes ?? collection };
  }

  get via(): MoveSettings['options']['via'] {
    const { via } = this.options;
    return via === 'auto' && this.plan.autoPushes ? 'push' : via;
  }

  get sides(): Sides {
    return this.job.progress.sides ?? tooEarly();
  }

  get fromBackup(): PlaceBackupResult {
    return this.state.fromBackup ?? tooEarly();
  }

  get backup(): CollectionBackupRef {
    const { store, backup } = this.state;
    if (!store || backup === undefined) return tooEarly();
    const { cluster, collection } = this.source;
    return { store: store.alias, cluster, backup, collection };
  }

  /** The queue whose workers see the store. */
  get storeQueue(): DataQueue {
    const { dataQueue, heartbeatSeconds } = this.job.settings;
    return { taskQueue: this.state.store?.dataQueue ?? dataQueue, heartbeatSeconds };
  }

  summary(left: string | undefined): MovedShards {
    const { plan, state } = this;
    const via = viaOf(state);
    return {
      shards: state.shards.length,
      capture: plan.mode,
      ...(via === undefined ? {} : { via }),
      ...(state.backup === undefined ? {} : { backup: state.backup }),
      ...(state.safetyBackup === undefined ? {} : { safetyBackup: state.safetyBackup }),
      ...(left === undefined ? {} : { left }),
    };
  }
}

function tooEarly(): never {
  throw failure('Internal', 'A step came before the one it needs.');
}
