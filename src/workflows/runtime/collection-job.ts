// One collection's workflow while it lives: its state, phase, and what an operator sees and may do. Holds the three
// ways in which the work stops between activities: pause, an operator's answer awaited, continue-as-new. Promises that
// nothing runs while it waits or continues as new; knows nothing of copying or proving.

import {
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  ContinueAsNew,
  allHandlersFinished,
  condition,
  getExternalWorkflowHandle,
  isCancellation,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { describeCaptured, shardsOf } from '../../model/state/capture-progress.js';
import { hasTrait, whileParked } from '../../model/errors.js';
import { shortWarnings } from '../../model/state/job-report.js';
import { shardsMoved } from '../../model/state/move-progress.js';
import type { OperationName } from '../../model/operations.js';
import type { CollectionRef } from '../../model/collections.js';
import type { CollectionProgress } from '../../model/state/progress-state.js';
import { renderCollection } from '../../model/state/progress.js';
import type { CollectionStatus, Phase } from '../../model/contracts/results.js';
import { whole, type Command } from '../../model/state/steering.js';
import { failure, isReplaced, troubleOf } from './failures.js';
import { attentionSignal, collectionStatusQuery, showAttributes } from './messages.js';
import { Steering } from './steering.js';

export interface JobSettings {
  operation: OperationName;
  source: CollectionRef;
  target: CollectionRef;
  dataQueue: string;
  searchAttributes: boolean;
  onFailure: 'park' | 'parkForKeys' | 'fail';
  parkForHours: number;
  slices: number;
  batchBytes: number;
  budgetMs: number;
  stallAfterAttempts: number;
  heartbeatSeconds: number;
  recheckAfterMs: number;
  continueAsNewAfterEvents?: number | undefined;
}

export class CollectionJob {
  readonly settings: JobSettings;
  readonly progress: CollectionProgress;
  readonly steering: Steering;
  private readonly goOn: (progress: CollectionProgress) => Promise<never>;
  private shown: Phase | undefined;

  constructor(
    settings: JobSettings,
    progress: CollectionProgress,
    continueWith: (progress: CollectionProgress) => Promise<never>,
  ) {
    this.settings = settings;
    this.progress = progress;
    this.goOn = continueWith;
    this.steering = new Steering(progress.pace, progress.paused);
    this.steering.register({
      operation: settings.operation,
      phase: () => progress.phase,
      standing: () => this.standing(),
      changed: (command) => this.commanded(command),
    });
    setHandler(collectionStatusQuery, () => this.status(), { description: 'Phase, points and slices.' });
  }

  /** The whole work. What ends it is what the operator sees last. */
  async run<T>(body: () => Promise<T>): Promise<T> {
    try {
      this.enter(this.progress.phase);
      return await body();
    } catch (error) {
      if (error instanceof ContinueAsNew || isCancellation(error)) throw error;
      const { code, message } = troubleOf(error);
      this.progress.lastError = message;
      this.show();
      throw failure(code, message);
    }
  }

  /** Id of the job this collection belongs to; it names the folder of the reports. */
  get id(): string {
    const { parent, workflowId } = workflowInfo();
    return parent?.workflowId ?? workflowId;
  }

  /** Points known to be on the target. */
  get onTarget(): number {
    return this.progress.already + this.progress.copied.points;
  }

  get title(): string {
    const { source, target } = this.settings;
    const as = source.collection === target.collection ? '' : ` as ${target.collection}`;
    return `${source.collection}: ${source.cluster} → ${target.cluster}${as}`;
  }

  enter(phase: Phase): void {
    this.progress.phase = phase;
    if (this.settings.searchAttributes && this.shown !== phase) this.attribute(phase);
    this.shown = phase;
    this.show();
  }

  show(): void {
    const { progress } = this;
    const done = progress.page?.walk.filter((slot) => slot.done).length ?? 0;
    const details = renderCollection({
      title: this.title,
      phase: progress.phase,
      points: this.onTarget,
      total: progress.total,
      copyMs: progress.copied.ms,
      verifiedPoints: progress.verified.points,
      verifyMs: progress.verified.ms,
      slicesDone: done,
      slices: progress.page?.walk.length ?? 0,
      pace: this.steering.state.pace,
      ...(progress.capture === undefined ? {} : { capture: progress.capture }),
      ...(progress.indexing === undefined ? {} : { indexing: progress.indexing }),
      ...(progress.lastError === undefined ? {} : { lastError: progress.lastError }),
      ...(this.steering.state.attention === undefined ? {} : { attention: this.steering.state.attention }),
    });
    setCurrentDetails(details);
  }

  /** Another job has what this one needs. */
  waitsFor(holder: string | undefined): void {
    this.showError(holder && `waits for ${holder}`);
  }

  /** The last error among the details, until the next one or `undefined`. */
  showError(error: string | undefined): void {
    if (error === undefined) delete this.progress.lastError;
    else this.progress.lastError = error;
    this.show();
  }

  standing(): string {
    const { source, target } = this.settings;
    const { capture } = this.progress;
    if (capture) return `${describeCaptured(capture)} of ${source.collection} are in ${target.cluster}`;
    const points = `${whole(this.onTarget)} of ${whole(this.progress.total)} points`;
    return `${points} of ${source.collection} are on ${target.cluster}`;
  }

  /** True when no new activity may begin: running ones return at the end of their budget. */
  mustStop(): boolean {
    return this.steering.state.paused || this.steering.state.aborted !== undefined || this.isLong();
  }

  /** Between two steps, with nothing running: waits while paused, throws when the job is to end. */
  async waitIfPaused(): Promise<void> {
    this.refuseToGoOn();
    if (this.steering.state.paused) await this.waitWhilePaused();
  }

  /** The same where the state tells the next run exactly where to go on: it may continue as new. */
  async gate(): Promise<void> {
    await this.waitIfPaused();
    if (!this.isLong()) return;
    await condition(allHandlersFinished);
    this.progress.paused = this.steering.state.paused;
    this.progress.pace = this.steering.state.pace;
    await this.goOn(this.progress);
  }

  /** Tries again each time the operator sends `retry`, when the input says to park. */
  async retryOrPark<T>(body: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await body();
      } catch (error) {
        if (error instanceof ContinueAsNew || isCancellation(error) || isVerdict(error) || isReplaced(error))
          throw error;
        const { code, message } = troubleOf(error);
        if (hasTrait(code, 'isFinal')) throw error;
        this.progress.lastError = `${code}: ${message}`;
        if (!(await this.park(`${code}: ${whileParked(code, message)}`, code))) throw error;
      }
    }
  }

  /** True when the operator sent `retry`; false when nobody did for `parkForHours`, or nobody shall be waited for. */
  async park(reason: string, code = ''): Promise<boolean> {
    if (!this.parksOn(code)) return false;
    const before = this.progress.phase;
    this.progress.waits += 1;
    const { state } = this.steering;
    state.attention = `${reason} Send \`retry\` when the cause is fixed, or \`abort\`.`;
    this.enter('awaiting-operator');
    await this.tellParent(reason);
    const answered = await condition(
      () => state.attention === undefined || state.aborted !== undefined,
      this.settings.parkForHours * 3_600_000,
    );
    delete state.attention;
    await this.tellParent();
    this.refuseToGoOn();
    if (answered) this.enter(before);
    return answered;
  }

  /** Whether a failure of that code waits for an operator. */
  parksOn(code: string): boolean {
    const { onFailure } = this.settings;
    return onFailure === 'park' || (onFailure === 'parkForKeys' && hasTrait(code, 'isCuredByKeys'));
  }

  private async waitWhilePaused(): Promise<void> {
    const before = this.progress.phase;
    this.progress.waits += 1;
    this.enter('paused');
    await condition(() => !this.steering.state.paused || this.steering.state.aborted !== undefined);
    this.refuseToGoOn();
    this.enter(before);
  }

  private refuseToGoOn(): void {
    if (CancellationScope.current().consideredCancelled) throw new CancelledFailure('Cancelled');
    const reason = this.steering.state.aborted;
    if (reason === undefined) return;
    throw ApplicationFailure.create({ type: 'Aborted', message: `Stopped: ${reason}`, nonRetryable: true });
  }

  private isLong(): boolean {
    const { continueAsNewSuggested, historyLength } = workflowInfo();
    return continueAsNewSuggested || historyLength >= (this.settings.continueAsNewAfterEvents ?? Infinity);
  }

  private async tellParent(reason?: string): Promise<void> {
    const parent = workflowInfo().parent;
    if (!parent) return;
    const collection = this.settings.source.collection;
    const message = reason === undefined ? { collection } : { collection, reason: reason.slice(0, 300) };
    try {
      await getExternalWorkflowHandle(parent.workflowId).signal(attentionSignal, message);
    } catch (error) {
      if (isCancellation(error)) throw error; // a parent that is gone needs no telling
    }
  }

  private attribute(phase: Phase): void {
    const { source, target, operation } = this.settings;
    const fixed = {
      FerryCluster: source.cluster,
      FerryTarget: target.cluster,
      FerryCollection: source.collection,
      FerryOperation: operation,
    };
    showAttributes(this.shown === undefined ? { ...fixed, FerryPhase: phase } : { FerryPhase: phase });
  }

  private commanded(command: Command): void {
    if (command.do === 'retry') delete this.progress.lastError;
    this.show();
  }

  private status(): CollectionStatus {
    const { progress, settings } = this;
    const { state } = this.steering;
    const shards = shardsIn(progress);
    return {
      phase: progress.phase,
      source: `${settings.source.cluster}/${settings.source.collection}`,
      target: `${settings.target.cluster}/${settings.target.collection}`,
      points: this.onTarget,
      total: progress.total,
      bytes: progress.copied.bytes,
      slicesDone: progress.page?.walk.filter((slot) => slot.done).length ?? 0,
      slices: progress.page?.walk.length ?? 0,
      verifiedPoints: progress.verified.points,
      paused: state.paused,
      startedAt: progress.startedAt,
      ...(shards === undefined ? {} : { shards }),
      ...(progress.indexing === undefined ? {} : { indexing: progress.indexing }),
      ...(state.attention === undefined ? {} : { attention: state.attention }),
      ...(progress.warnings.length === 0 ? {} : { warnings: shortWarnings(progress.warnings) }),
    };
  }
}

function shardsIn({ capture, move }: CollectionProgress): CollectionStatus['shards'] {
  if (capture) return shardsOf(capture);
  return move && shardsMoved(move);
}

/** The job's own judgement, which no retry changes. */
function isVerdict(error: unknown): boolean {
  return error instanceof ApplicationFailure;
}
