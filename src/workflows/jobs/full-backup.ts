// Backs up collections of a cluster into a store; a child workflow `backupCollection` for each. Completes only when
// every collection is in the store, each object checked against its manifest; otherwise fails, with the report of all
// of them as detail. backup.json is written in either case, and names the failed ones.

import { CancellationScope, ContinueAsNew, continueAsNew, workflowInfo } from '@temporalio/workflow';
import type { ResolveCollectionsResult } from '../../model/contracts/activities.js';
import type { ResolveBackupResult } from '../../model/contracts/backup-activities.js';
import {
  fullBackupSchema,
  incrementalBackupSchema,
  type BackupCollectionInput,
  type FullBackupInput,
  type IncrementalBackupInput,
} from '../../model/contracts/backup-inputs.js';
import { isUnnamed } from '../../model/name-patterns.js';
import { scheduledBy } from '../runtime/scheduled-by.js';
import { backupIdOf, captureLockId } from '../../model/format/backup-names.js';
import { parseInput } from '../../model/contracts/inputs.js';
import { addNotes } from '../../model/state/job-report.js';
import type { JobReport } from '../../model/contracts/results.js';
import { failure, jobFailure, surfacing } from '../runtime/failures.js';
import { FanOut, type ChildFacts, type JobState, type Resolved } from '../runtime/fan-out.js';
import { omit, openState, splitCarried } from './job-input.js';
import { runActivity } from '../runtime/run-activity.js';
import type { Child } from '../runtime/start-collection.js';

export async function fullBackup(input: unknown): Promise<JobReport> {
  return surfacing(() => {
    const { carried, written } = splitCarried<JobState>(input);
    const parsed = parseInput(fullBackupSchema, written);
    if (parsed.index && !parsed.digest)
      throw failure(
        'InvalidInput',
        '`index` keeps the digests that `digest: false` leaves out: set only one of them.',
      );
    return runBackup('fullBackup', parsed, carried, (next) =>
      continueAsNew<typeof fullBackup>({ ...parsed, carried: next }),
    );
  });
}

/** Of each collection what changed since its last backup by points; all of it where there is none to continue. */
export async function incrementalBackup(input: unknown): Promise<JobReport> {
  return surfacing(() => {
    const { carried, written } = splitCarried<JobState>(input);
    const parsed = parseInput(incrementalBackupSchema, written);
    const options = fullBackupSchema.parse({ cluster: parsed.cluster, format: 'points', recall: false });
    return runBackup('incrementalBackup', { ...options, ...parsed, increment: true }, carried, (next) =>
      continueAsNew<typeof incrementalBackup>({ ...parsed, carried: next }),
    );
  });
}

type BackupJobInput = Omit<FullBackupInput, 'onBusy'> &
  Partial<Pick<IncrementalBackupInput, 'maxLinks'>> & {
    onBusy: IncrementalBackupInput['onBusy'];
    increment?: boolean;
  };

async function runBackup(
  operation: 'fullBackup' | 'incrementalBackup',
  parsed: BackupJobInput,
  carried: JobState | undefined,
  goOn: (state: JobState) => Promise<never>,
): Promise<JobReport> {
  const state = openState(parsed, carried);
  const writing = new BackupWriting(parsed, state);
  const job = new FanOut({
    operation,
    ends: writing.ends,
    input: parsed,
    resolve: (after) => writing.resolve(after),
    finish: () => writing.finish(),
    state,
    childOf: (collection, facts) => writing.childOf(collection, facts),
    mayVanish: ({ source }) => isUnnamed(parsed, source),
    goOn,
  });
  const ended = await writing.finishing(() => job.run());
  const { backup, leftOnNode } = writing;
  const report = { backup, ...ended, ...(leftOnNode.length === 0 ? {} : { leftOnNode }) };
  if (report.outcome === 'verified' || report.outcome === 'unproven') return report;
  throw jobFailure(report, job.soleTrouble);
}

/** One backup while it is written: its id, its store, and what is asked of both. */
class BackupWriting {
  readonly backup: string;
  /** The store is known when the collections are. */
  readonly ends: { source: string; target: string };
  /** Of the node's own snapshots. */
  leftOnNode: string[] = [];
  private readonly input: BackupJobInput;
  private readonly state: JobState;
  private place: ResolveBackupResult | undefined;
  private nodeSnapshot: string | undefined;

  constructor(input: BackupJobInput, state: JobState) {
    this.input = input;
    this.state = state;
    this.backup = backupIdOf(new Date(state.startedAt), workflowInfo().firstExecutionRunId);
    this.ends = { source: input.cluster, target: input.store ?? 'the default store' };
  }

  async resolve(after: string | undefined): Promise<ResolveCollectionsResult> {
    const { cluster, store, nodeSnapshot, digest } = this.input;
    const asked = {
      cluster,
      digest,
      ...(nodeSnapshot ? { nodeSnapshot } : {}),
      ...(store === undefined ? {} : { store }),
      ...this.selection,
      ...(after === undefined ? {} : { after }),
    };
    const page = await runActivity('resolveBackup', asked, `collections of ${cluster}`);
    const isFirst = this.place === undefined && this.state.seen === 0;
    this.place = page;
    this.ends.target = page.store;
    if (isFirst) await this.open(page.store);
    return {
      ...omit(page, 'collections', 'store', 'qdrantVersion'),
      collections: page.collections.map((name) => ({ asked: name, source: name, target: name })),
    };
  }

  /** The store can be written, and what lies there under this alias is of this cluster. */
  private async open(store: string): Promise<void> {
    const { newCluster } = this.input;
    const { policy } = scheduledBy() ?? {};
    await runActivity('probeStore', { store }, this.where(`probe ${store}`));
    const input = {
      ...this.ref,
      startedAt: this.state.startedAt,
      workflowId: workflowInfo().workflowId,
      ...this.selection,
      ...(policy === undefined ? {} : { policy }),
      ...(newCluster ? { newCluster } : {}),
    };
    const { notes } = await runActivity('openBackup', input, this.where(`open the backup ${this.backup}`));
    addNotes(this.state, notes);
  }

  private get selection() {
    const { collections, exclude, onMissing } = this.input;
    return {
      ...(collections === undefined ? {} : { collections }),
      ...(exclude === undefined ? {} : { exclude }),
      ...(onMissing === 'continue' ? { onMissing } : {}),
    };
  }

  childOf(collection: Resolved, facts: () => ChildFacts): Child {
    const { cluster, onBusy } = this.input;
    const ours = [
      'cluster',
      'store',
      'collections',
      'exclude',
      'onMissing',
      'concurrency',
      'onBusy',
      'nodeSnapshot',
      'newCluster',
    ] as const;
    const options = omit(this.input, ...ours, 'maxPointsPerSecond', 'maxMegabytesPerSecond');
    const childInput = (): BackupCollectionInput => {
      const { pace, ...rest } = facts();
      return {
        source: { cluster, collection: collection.source },
        target: { cluster: this.ends.target, collection: collection.target },
        asked: collection.asked,
        backup: this.backup,
        startedAt: this.state.startedAt,
        options: { ...options, ...pace },
        ...rest,
      };
    };
    return {
      workflowId: captureLockId(cluster, collection.source),
      type: 'backupCollection',
      input: childInput,
      summary: `${collection.source}: ${cluster} → ${this.ends.target}, ${this.backup}`,
      onBusy,
    };
  }

  /** Also a job that is cancelled, or breaks, leaves a backup.json and no upload. */
  async finishing<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      const hasBegun = this.place !== undefined && this.state.seen > 0;
      if (!(error instanceof ContinueAsNew) && hasBegun) {
        await CancellationScope.nonCancellable(() => this.writeBackup(true)).catch(() => undefined);
      }
      throw error;
    }
  }

  async finish(): Promise<void> {
    if (this.input.nodeSnapshot) await this.captureNode();
    await this.writeBackup(this.state.lines.some(({ outcome }) => outcome === 'aborted'));
  }

  private async captureNode(): Promise<void> {
    const { cluster, stallAfterAttempts, maxMegabytesPerSecond } = this.input;
    const what = `capture the storage of ${cluster}`;
    const input = {
      ...this.ref,
      what,
      startedAt: this.state.startedAt,
      stallAfterAttempts,
      ...(maxMegabytesPerSecond === undefined ? {} : { maxMegabytesPerSecond }),
    };
    const { leftOnNode, name } = await runActivity('captureNode', input, this.where(what));
    this.nodeSnapshot = name;
    this.leftOnNode = leftOnNode.slice(0, 10);
  }

  private async writeBackup(isInterrupted: boolean): Promise<void> {
    const failed = this.state.lines.filter(({ outcome }) => outcome !== 'verified' && outcome !== 'skipped');
    const skipped = this.state.lines.filter(({ outcome }) => outcome === 'skipped');
    const input = {
      ...this.ref,
      failed: failed.map(({ collection, error }) => ({
        collection,
        ...(error === undefined ? {} : { error }),
      })),
      ...(skipped.length > 0 ? { skipped: skipped.map(({ collection }) => collection) } : {}),
      ...(isInterrupted ? { interrupted: true } : {}),
      ...(this.nodeSnapshot === undefined ? {} : { nodeSnapshot: this.nodeSnapshot }),
    };
    await runActivity('writeBackup', input, this.where(`write backup.json of ${this.backup}`));
  }

  private get ref() {
    return { store: this.ends.target, cluster: this.input.cluster, backup: this.backup };
  }

  private where(summary: string) {
    const taskQueue = this.place?.dataQueue ?? '';
    return { taskQueue, heartbeatSeconds: this.input.heartbeatSeconds, summary };
  }
}
