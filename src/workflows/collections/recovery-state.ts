// What the steps of one collection's recovery share: the job, its state, and what follows from them.

import type { RecoveryPlan } from '../../model/contracts/recovery-activities.js';
import type { CollectionRef } from '../../model/collections.js';
import type { recoverCollectionSchema } from '../../model/contracts/recovery-inputs.js';
import {
  countShards,
  type RecoveryProgress,
  type RecoveryReport,
} from '../../model/state/recovery-progress.js';
import type * as z from 'zod';
import type { CollectionJob } from '../runtime/collection-job.js';
import { failure } from '../runtime/failures.js';
import type { DataQueue } from '../runtime/run-activity.js';

const NO_PROOF = 'Recovered; its content is unproven: the backup has no proof.';
const PROOF_IGNORED =
  'Recovered; its content is unproven: it was not compared with the proof of the backup (`ignoreProof`).';
const ONLY_STAMPED =
  'Recovered as it was stored; its content is unproven: the backup holds the changes that a field told of, and what the application did not stamp is not in it.';
const NOTHING_TO_PROVE_BY =
  'Recovered; its content is unproven: snapshots that ferry did not take have no proof to compare it with.';

export type RecoverySettings = Pick<
  z.infer<typeof recoverCollectionSchema>,
  'from' | 'target' | 'rehearse' | 'points' | 'isOnly' | 'options'
>;

export class Recovery {
  readonly job: CollectionJob;
  readonly state: RecoveryProgress;
  readonly settings: RecoverySettings;

  constructor(job: CollectionJob, state: RecoveryProgress, settings: RecoverySettings) {
    this.job = job;
    this.state = state;
    this.settings = settings;
  }

  get plan(): RecoveryPlan {
    if (!this.state.plan) throw failure('Internal', 'A step came before the planning.');
    return this.state.plan;
  }

  /** The collection that is really written. */
  get written(): CollectionRef {
    const { cluster, collection } = this.settings.target;
    return { cluster, collection: this.state.plan?.writes ?? collection };
  }

  /** What the content is compared with. */
  get proof(): RecoveryPlan['proof'] {
    return this.settings.options.ignoreProof ? undefined : this.plan.proof;
  }

  get queue(): DataQueue {
    const { dataQueue, heartbeatSeconds } = this.job.settings;
    return { taskQueue: dataQueue, heartbeatSeconds };
  }

  get seconds(): number {
    const { beganAt, readyAt } = this.state;
    if (beganAt === undefined || readyAt === undefined) return 0;
    return (Date.parse(readyAt) - Date.parse(beganAt)) / 1_000;
  }

  private get whyUnproven(): string {
    const { from, options } = this.settings;
    if (from.external) return NOTHING_TO_PROVE_BY;
    if (this.proof?.kind === 'stamped') return ONLY_STAMPED;
    return options.ignoreProof && this.plan.proof !== undefined ? PROOF_IGNORED : NO_PROOF;
  }

  report(aliases: string[], left: string | undefined): RecoveryReport {
    const { state, settings, job, plan } = this;
    const isStamped = this.plan.proof?.kind === 'stamped';
    const known = settings.rehearse && !isStamped ? 'rehearsed' : (this.proof?.kind ?? 'none');
    const isUnproven = known === 'none' || known === 'stamped';
    const { pushed, prepared } = state;
    const files = prepared?.shards ?? [];
    return {
      operation: settings.rehearse ? 'rehearseRecovery' : 'disasterRecovery',
      from: settings.from,
      target: this.written,
      outcome: isUnproven ? 'unproven' : 'verified',
      points: job.progress.counts.target,
      ...(plan.isUncounted ? {} : { expectedPoints: plan.ids ?? plan.points }),
      ...(state.returned === undefined ? {} : { returned: state.returned }),
      bytes: state.bytes,
      shards: countShards(files, []).of,
      recoverySeconds: this.seconds,
      via: pushed === 0 ? 'pull' : pushed === files.length ? 'push' : 'both',
      contentProof: { kind: known, ...(state.digested ? { digest: state.digest } : {}) },
      ...(state.recall === undefined ? {} : { recall: state.recall }),
      aliases,
      ...(left === undefined ? {} : { left }),
      ...(state.safetyBackup === undefined ? {} : { safetyBackup: state.safetyBackup }),
      ...(job.progress.indexing === undefined ? {} : { indexing: job.progress.indexing }),
      warnings: isUnproven ? [...job.progress.warnings, this.whyUnproven] : job.progress.warnings,
    };
  }
}
