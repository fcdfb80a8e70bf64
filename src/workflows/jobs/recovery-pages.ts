// The collections of a recovery, page by page, as the store's catalogue has them, and what each child is told. Where the
// store is, and which workers see it, is asked once a run.

import { workflowInfo } from '@temporalio/workflow';
import type { LocateStoreResult, ResolveRecoveryResult } from '../../model/contracts/recovery-activities.js';
import type { ResolveCollectionsResult } from '../../model/contracts/activities.js';
import { externalPlace, type ExternalSource } from '../../model/externals/source.js';
import { failure } from '../runtime/failures.js';
import type { RecoverCollectionInput, RehearseRecoveryInput } from '../../model/contracts/recovery-inputs.js';
import type { ChildFacts, JobState, Resolved } from '../runtime/fan-out.js';
import { runActivity } from '../runtime/run-activity.js';

type Wanted = Pick<
  RehearseRecoveryInput,
  'store' | 'cluster' | 'backup' | 'before' | 'includeDropped' | 'collections' | 'exclude'
> & {
  onlyUnproven?: boolean;
  sample?: number | undefined;
  target: string;
  as?: Record<string, string>;
  from?: ExternalSource | undefined;
  map?: Record<string, string> | undefined;
  heartbeatSeconds: number;
};
type Found = ResolveRecoveryResult['recoveries'][number];

export class RecoveryPages {
  private readonly wanted: Wanted;
  private readonly kept: Pick<JobState, 'run' | 'chosen'>;
  private place: LocateStoreResult | undefined;
  private readonly found = new Map<string, Found>();

  /** `kept` outlives a continue-as-new: every page goes by the run that the first one chose. */
  constructor(wanted: Wanted, kept: Pick<JobState, 'run' | 'chosen'>) {
    this.wanted = wanted;
    this.kept = kept;
  }

  async resolve(
    after: string | undefined,
    rename?: (collection: string) => string,
  ): Promise<ResolveCollectionsResult> {
    const { heartbeatSeconds, from } = this.wanted;
    this.place ??= await this.locate();
    const { dataQueue, searchAttributes } = this.place;
    const summary =
      from === undefined ? `backups in ${this.place.store}` : `snapshots in ${externalPlace(from)}`;
    const page = await runActivity(
      'resolveRecovery',
      { ...this.asked(), ...this.behind(after), store: this.place.store },
      { taskQueue: dataQueue, heartbeatSeconds, summary },
    );
    if (page.run !== undefined) this.kept.run = page.run;
    if (page.chosen !== undefined) this.kept.chosen = page.chosen;
    const collections = page.recoveries.map((one) => this.remember(one, rename));
    return {
      collections,
      ...(page.next === undefined ? {} : { next: page.next }),
      notes: page.notes,
      dataQueue,
      ...(searchAttributes === undefined ? {} : { searchAttributes }),
    };
  }

  childInput(
    collection: Resolved,
    target: string,
    { pace, ...facts }: ChildFacts,
    options: RecoverCollectionInput['options'],
  ): RecoverCollectionInput {
    const found = this.found.get(collection.source);
    if (!found) throw failure('Internal', `No backup of ${collection.source} was found.`);
    return {
      from: found.from,
      target: { cluster: target, collection: collection.target },
      points: found.points,
      options: { ...options, ...pace },
      ...facts,
    };
  }

  private locate(): Promise<LocateStoreResult> {
    const { target, store, from } = this.wanted;
    const named = from?.store ?? store;
    const input = {
      target,
      ...(named === undefined ? {} : { store: named }),
      ...(from?.url === undefined ? {} : { optional: true }),
    };
    return runActivity('locateStore', input, 'which store, and its queue');
  }

  private remember(found: Found, rename: ((collection: string) => string) | undefined): Resolved {
    const source = found.from.collection;
    this.found.set(source, found);
    return { asked: source, source, target: rename?.(source) ?? found.target };
  }

  private behind(after: string | undefined) {
    const { run } = this.kept;
    return after === undefined ? {} : { after, ...(run === undefined ? {} : { run }) };
  }

  /** A sample is drawn once: later pages go by what was chosen. */
  private selection() {
    const { collections, exclude, onlyUnproven, sample } = this.wanted;
    if (this.kept.chosen !== undefined) return { collections: this.kept.chosen };
    const seed = workflowInfo().firstExecutionRunId;
    return {
      ...(collections === undefined ? {} : { collections }),
      ...(exclude === undefined ? {} : { exclude }),
      ...(onlyUnproven ? { onlyUnproven } : {}),
      ...(sample === undefined ? {} : { sample: { count: sample, seed } }),
    };
  }

  private asked() {
    const { target, cluster, backup, before, includeDropped, as, from: external, map } = this.wanted;
    return {
      target,
      ...(cluster === undefined ? {} : { cluster }),
      ...(backup === undefined ? {} : { backup }),
      ...(before === undefined ? {} : { before }),
      ...(includeDropped ? { includeDropped } : {}),
      ...this.selection(),
      ...(as === undefined ? {} : { as }),
      ...(external === undefined ? {} : { external }),
      ...(map === undefined ? {} : { map }),
    };
  }
}

/** What both kinds of job pass on as it is. */
export function optionsOf(
  input: RehearseRecoveryInput | Omit<RehearseRecoveryInput, 'scratch' | 'onlyUnproven' | 'sample'>,
) {
  const { via, precheck, onFailure, parkForHours, shards, awaitIndexingMinutes } = input;
  const { slices, batchBytes, budgetMs, stallAfterAttempts, heartbeatSeconds, continueAsNewAfterEvents } =
    input;
  return {
    ...{ via, precheck, onFailure, parkForHours, shards, awaitIndexingMinutes },
    ...{ slices, batchBytes, budgetMs, stallAfterAttempts, heartbeatSeconds, continueAsNewAfterEvents },
  };
}
