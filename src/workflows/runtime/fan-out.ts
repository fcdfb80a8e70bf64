// A job over many collections: page by page, a child workflow each, at most `concurrency` at once. The failure of one
// collection never stops the others; the job's result says for each what happened. Between pages, with nothing
// running, it may continue as new.

import {
  CancellationScope,
  CancelledFailure,
  allHandlersFinished,
  condition,
  isCancellation,
  workflowInfo,
  type ChildWorkflowHandle,
  type Workflow,
} from '@temporalio/workflow';
import type { OperationName } from '../../model/operations.js';
import type { ResolveCollectionsResult } from '../../model/contracts/activities.js';
import { type Pace, isPaced, sharePace, type Command } from '../../model/state/steering.js';
import {
  addLine,
  addNotes,
  failedLine,
  jobReport,
  lineOf,
  skippedLine,
  type JobProgress,
} from '../../model/state/job-report.js';
import type { RecoveredRuns } from '../../model/contracts/recovery-activities.js';
import type { CollectionEnd, JobReport } from '../../model/contracts/results.js';
import { hasTrait } from '../../model/errors.js';
import { failure, reportIn, troubleOf, type Trouble } from './failures.js';
import { JobBoard, type Row } from './job-board.js';
import { pool } from './run-batch.js';
import { startCollection, type Child } from './start-collection.js';
import { Steering, steerSignal } from './steering.js';

const LEFT_TO_ANOTHER = 'another job is backing it up';

export type Resolved = ResolveCollectionsResult['collections'][number];

/** What a job remembers over a continue-as-new. */
export interface JobState extends JobProgress {
  after?: string;
  /** Collections resolved so far. */
  seen: number;
  /** Of a recovery: the runs that it goes by. */
  run?: RecoveredRuns;
  /** Of a rehearsal of a sample. */
  chosen?: string[];
  paused: boolean;
  pace: Pace;
}

export interface JobInput {
  /** Absent: all that there are. */
  collections?: unknown;
  concurrency: number;
  continueAsNewAfterEvents?: number | undefined;
}

export interface ChildFacts {
  dataQueue: string;
  searchAttributes: boolean;
  pace: Pace;
  paused: boolean;
  isOnly: boolean;
}

export interface JobPlan {
  operation: OperationName;
  /** Shown as the two ends of the job: clusters, or a store. */
  ends: { source: string; target: string };
  input: JobInput;
  state: JobState;
  /** The collections after that one, a page at a time. */
  resolve: (after: string | undefined) => Promise<ResolveCollectionsResult>;
  /** When every collection has ended, successfully or not. */
  finish?(): Promise<void>;
  childOf(collection: Resolved, facts: () => ChildFacts): Child;
  /** Deleted meanwhile it is skipped, not failed. Absent: where the job is about all collections. */
  mayVanish?(collection: Resolved): boolean;
  goOn(state: JobState): Promise<never>;
}

export class FanOut {
  private readonly plan: JobPlan;
  private readonly steering: Steering;
  private readonly board: JobBoard;
  private readonly running = new Map<string, ChildWorkflowHandle<Workflow>>();
  private waiting = 0;
  /** An error of the whole cluster: no more collections are started. */
  private stopped: Trouble | undefined;

  constructor(plan: JobPlan) {
    this.plan = plan;
    this.steering = new Steering(plan.state.pace, plan.state.paused);
    this.board = new JobBoard(plan.operation, plan.ends, plan.state, this.steering.state);
    this.steering.register({
      operation: plan.operation,
      phase: () => this.board.phase,
      standing: () => this.board.standing(),
      changed: (command) => this.commanded(command),
    });
  }

  async run(): Promise<JobReport> {
    const { state, ends } = this.plan;
    for (;;) {
      this.board.enter('planning');
      const page = await this.resolved();
      state.seen += page.collections.length;
      addNotes(state, page.notes ?? []);
      await this.runPage(page);
      if (page.next === undefined || this.stopped) break;
      state.after = page.next;
      await this.betweenPages();
    }
    if (this.plan.finish) {
      this.board.enter('finishing');
      await this.plan.finish();
    }
    await condition(allHandlersFinished);
    this.board.enter('done');
    return jobReport(this.plan.operation, state, ends, Date.now());
  }

  /** Before any collection is known an abort ends it at once: it may wait for a queue that no worker polls. */
  private async resolved(): Promise<ResolveCollectionsResult> {
    const { resolve, state } = this.plan;
    if (state.seen > 0) return resolve(state.after);
    let page: ResolveCollectionsResult | undefined;
    if (this.steering.state.aborted === undefined)
      await this.steering.interruptible(['abort'], async () => {
        page = await resolve(state.after);
      });
    if (page !== undefined) return page;
    throw failure('Aborted', `Stopped before any collection was begun: ${this.steering.state.aborted}`);
  }

  private async runPage(page: ResolveCollectionsResult): Promise<void> {
    const { concurrency } = this.plan.input;
    this.board.openPage(page, (resolved) => this.childOf(resolved, page).workflowId);
    this.waiting = this.board.rows.length;
    await pool(this.board.rows, Math.min(concurrency, this.board.rows.length), async (row) => {
      await condition(() => !this.steering.state.paused || this.givenUp());
      this.waiting -= 1;
      await this.runRow(row, this.childOf(row.resolved, page));
      this.shareAgain();
    });
    if (CancellationScope.current().consideredCancelled) throw new CancelledFailure('Cancelled');
  }

  private async runRow(row: Row, child: Child): Promise<void> {
    const { state } = this.plan;
    try {
      const report = await this.runChild(row, child);
      if (report) addLine(state, lineOf(row, report), report.bytes ?? 0);
      else addLine(state, failedLine(row, 'Aborted', this.whyNotStarted), 0);
      this.board.close(row, report?.outcome ?? 'aborted', report);
    } catch (error) {
      if (CancellationScope.current().consideredCancelled) throw error;
      this.failed(row, child, error);
    }
  }

  private async runChild(row: Row, child: Child): Promise<CollectionEnd | undefined> {
    if (this.givenUp()) return undefined;
    const handle = await startCollection(child, {
      givenUp: () => this.givenUp(),
      waitsFor: (holder) => this.board.note(row, `waits for ${holder}`),
    });
    if (!handle) return undefined;
    this.running.set(row.workflowId, handle);
    this.board.started(row);
    try {
      return (await handle.result()) as CollectionEnd;
    } finally {
      this.running.delete(row.workflowId);
    }
  }

  private failed(row: Row, { onBusy }: Child, error: unknown): void {
    const trouble = troubleOf(error);
    const code = isCancellation(error) ? 'Cancelled' : trouble.code;
    const isLeft = code === 'CollectionBusy' && onBusy === 'skip';
    if (isLeft || (code === 'SourceVanished' && this.mayVanish(row.resolved))) {
      addLine(this.plan.state, isLeft ? skippedLine(row, LEFT_TO_ANOTHER) : skippedLine(row), 0);
      this.board.close(row, 'skipped', undefined, { code, message: trouble.message });
      return;
    }
    if (hasTrait(code, 'isOfCluster')) this.stopped ??= trouble;
    const line = failedLine(row, code, trouble.message);
    const report = reportIn(error);
    const full = report ? { ...lineOf(row, report), outcome: line.outcome, error: line.error ?? code } : line;
    addLine(this.plan.state, full, report?.bytes ?? 0);
    this.board.close(row, line.outcome, report, { code, message: trouble.message });
  }

  private mayVanish(collection: Resolved): boolean {
    return this.plan.mayVanish?.(collection) ?? this.plan.input.collections === undefined;
  }

  /** What ended the whole job, or the failure of its only collection. */
  get soleTrouble() {
    if (this.stopped) return this.stopped;
    return this.plan.state.seen === 1 ? this.board.rows[0]?.trouble : undefined;
  }

  private childOf(collection: Resolved, page: ResolveCollectionsResult): Child {
    return this.plan.childOf(collection, () => ({
      dataQueue: page.dataQueue,
      searchAttributes: page.searchAttributes ?? true,
      pace: this.share(),
      paused: this.steering.state.paused,
      isOnly: this.plan.input.concurrency === 1 || (page.collections.length === 1 && page.next === undefined),
    }));
  }

  private share(): Pace {
    const busy = Math.min(this.plan.input.concurrency, this.running.size + this.waiting + 1);
    return sharePace(this.steering.state.pace, busy);
  }

  /** With nothing left to start, those that still run may go faster. */
  private shareAgain(): void {
    if (this.waiting > 0 || this.running.size === 0 || !isPaced(this.steering.state.pace)) return;
    this.forward({ do: 'throttle', pace: sharePace(this.steering.state.pace, this.running.size) });
  }

  private commanded(command: Command): void {
    if (command.do === 'throttle') {
      const among = Math.max(1, this.running.size);
      this.forward({ do: 'throttle', pace: sharePace(command.pace, among) });
    } else this.forward(command);
    this.board.commanded(command);
  }

  private forward(command: Command): void {
    // A collection that has just ended cannot receive it.
    for (const handle of this.running.values()) handle.signal(steerSignal, command).catch(() => undefined);
  }

  private givenUp(): boolean {
    return this.steering.state.aborted !== undefined || this.stopped !== undefined;
  }

  private get whyNotStarted(): string {
    return this.stopped === undefined ? 'not started' : `not started, because of ${this.stopped.code}`;
  }

  private async betweenPages(): Promise<void> {
    const { input, state, goOn } = this.plan;
    const { continueAsNewSuggested, historyLength } = workflowInfo();
    if (this.givenUp()) return;
    if (!continueAsNewSuggested && historyLength < (input.continueAsNewAfterEvents ?? Infinity)) return;
    await condition(allHandlersFinished);
    state.paused = this.steering.state.paused;
    state.pace = this.steering.state.pace;
    await goOn(state);
  }
}
