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
import { hasTrait, whileParked } from '../../model/errors.js';
import type { CollectionRef } from '../../model/collections.js';
import type { CollectionProgress } from '../../model/state/progress-state.js';
import { collectionStatus, renderCollection, standingText } from '../../model/state/progress.js';
import type { CollectionStatus } from '../../model/contracts/results.js';
import type { Phase, Command } from '../../model/state/steering.js';
import { failure, isReplaced, troubleOf } from './failures.js';
import { attentionSignal, collectionStatusQuery, showAttributes } from './messages.js';
import { Steering } from './steering.js';

export interface JobSettings {
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

export class CollectionJob<Progress extends CollectionProgress = CollectionProgress> {
  readonly settings: JobSettings;
  readonly progress: Progress;
  readonly steering: Steering;
  private readonly continueWith: () => Promise<never>;
  private shown: Phase | undefined;

  constructor(
    settings: JobSettings,
    progress: Progress,
    continueWith: (progress: Progress) => Promise<never>,
  ) {
    this.settings = settings;
    this.progress = progress;
    this.continueWith = () => continueWith(progress);
    this.steering = new Steering(progress.pace, progress.paused);
    this.steering.register({
      operation: progress.operation,
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
    const { copied, verified, lastError } = this.progress;
    const details = renderCollection(this.status(), {
      title: this.title,
      copyMs: copied.ms,
      verifyMs: verified.ms,
      pace: this.steering.state.pace,
      ...(lastError === undefined ? {} : { lastError }),
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
    return standingText(this.status(), this.settings);
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
    await this.continueWith();
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
    const { source, target } = this.settings;
    const fixed = {
      FerryCluster: source.cluster,
      FerryTarget: target.cluster,
      FerryCollection: source.collection,
      FerryOperation: this.progress.operation,
    };
    showAttributes(this.shown === undefined ? { ...fixed, FerryPhase: phase } : { FerryPhase: phase });
  }

  private commanded(command: Command): void {
    if (command.do === 'retry') delete this.progress.lastError;
    this.show();
  }

  private status(): CollectionStatus {
    return collectionStatus(this.progress, this.settings, this.steering.state);
  }
}

/** The job's own judgement, which no retry changes. */
function isVerdict(error: unknown): boolean {
  return error instanceof ApplicationFailure;
}
