// What an operator sees of a job over many collections: status, failures, search attributes and current details.
// Holds the rows of the page under way and no logic of the job; an attribute is set only when the phase changes.

import { setCurrentDetails, setHandler } from '@temporalio/workflow';
import { operations, type OperationName } from '../../model/operations.js';
import type { ResolveCollectionsResult } from '../../model/contracts/activities.js';
import { pointsOf, type JobProgress, type LineNames } from '../../model/state/job-report.js';
import { renderJob, type LineState } from '../../model/state/progress.js';
import type { CollectionEnd, JobStatus, Outcome } from '../../model/contracts/results.js';
import type { Phase, Command, SteeringState } from '../../model/state/steering.js';
import type { Trouble } from './failures.js';
import { attentionSignal, failuresQuery, jobStatusQuery, showAttributes } from './messages.js';

type Resolved = ResolveCollectionsResult['collections'][number];

export interface Row extends LineNames {
  resolved: Resolved;
  state: LineState;
  points: number;
  note?: string;
  attention?: string;
  trouble?: Trouble;
}

export class JobBoard {
  phase: Phase = 'planning';
  rows: Row[] = [];
  private readonly operation: OperationName;
  private readonly ends: { source: string; target: string };
  private readonly state: JobProgress;
  private readonly steering: SteeringState;
  private attributes = false;
  private shown: Phase | undefined;
  private moreToCome = false;

  constructor(
    operation: OperationName,
    ends: { source: string; target: string },
    state: JobProgress,
    steering: SteeringState,
  ) {
    this.operation = operation;
    this.ends = ends;
    this.state = state;
    this.steering = steering;
    setHandler(jobStatusQuery, () => this.status(), {
      description: 'Phase, and the state of each collection.',
    });
    setHandler(failuresQuery, () => state.lines.filter((line) => line.outcome !== 'verified'), {
      description: 'The collections that failed or differ, and why.',
    });
    setHandler(attentionSignal, ({ collection, reason }) => this.attend(collection, reason), {
      description: 'A collection waits for an operator, or no longer does.',
    });
  }

  openPage(page: ResolveCollectionsResult, workflowId: (collection: Resolved) => string): void {
    this.attributes = page.searchAttributes ?? true;
    this.moreToCome = page.next !== undefined;
    this.rows = page.collections.map((resolved) => ({
      resolved,
      collection: resolved.source,
      as: resolved.target,
      workflowId: workflowId(resolved),
      state: 'waiting',
      points: 0,
    }));
    this.refresh();
  }

  started(row: Row): void {
    row.state = 'running';
    delete row.note;
    this.refresh();
  }

  note(row: Row, text: string): void {
    row.note = text;
    this.refresh();
  }

  close(row: Row, outcome: Outcome, report?: CollectionEnd, trouble?: Trouble): void {
    row.state = outcome;
    row.points = report ? pointsOf(report) : 0;
    delete row.attention;
    if (trouble) {
      row.trouble = trouble;
      row.note = `${trouble.code}: ${trouble.message}`;
    }
    this.refresh();
  }

  commanded(command: Command): void {
    if (command.do === 'retry') for (const row of this.rows) delete row.attention;
    this.refresh();
  }

  enter(phase: Phase): void {
    this.phase = phase;
    if (this.attributes && this.shown !== phase) {
      const { source, target } = this.ends;
      const fixed = { FerryCluster: source, FerryTarget: target, FerryOperation: this.operation };
      showAttributes(this.shown === undefined ? { ...fixed, FerryPhase: phase } : { FerryPhase: phase });
      this.shown = phase;
    }
    setCurrentDetails(this.render());
  }

  standing(): string {
    const running = this.rows.filter((row) => row.state === 'running').map((row) => row.collection);
    const finished = Object.values(this.state.tally).reduce((sum, count) => sum + count, 0);
    const names = running.slice(0, 5).join(', ') + (running.length > 5 ? ', …' : '');
    return `${finished} collections finished, ${running.length} running${names ? ` (${names})` : ''}`;
  }

  private attend(collection: string, reason: string | undefined): void {
    for (const row of this.rows.filter((candidate) => candidate.collection === collection)) {
      if (reason === undefined) delete row.attention;
      else row.attention = reason;
    }
    this.refresh();
  }

  private refresh(): void {
    const waits = this.rows.find((row) => row.attention !== undefined);
    if (waits?.attention === undefined) delete this.steering.attention;
    else this.steering.attention = `${waits.collection}: ${waits.attention}`;
    const working = operations[this.operation].working;
    if (waits) this.enter('awaiting-operator');
    else this.enter(this.steering.paused ? 'paused' : working);
  }

  private render(): string {
    const finished = Object.values(this.state.tally).reduce((sum, count) => sum + count, 0);
    const open = this.rows.filter((row) => row.state === 'waiting' || row.state === 'running').length;
    return renderJob({
      operation: this.operation,
      ...this.ends,
      phase: this.phase,
      collections: this.rows.map(({ collection, state, points, note, attention }) => {
        const text = attention ?? note;
        return { collection, state, points, ...(text === undefined ? {} : { note: text }) };
      }),
      finished,
      known: finished + open,
      moreToCome: this.moreToCome,
      pace: this.steering.pace,
    });
  }

  private status(): JobStatus {
    return {
      operation: this.operation,
      phase: this.phase,
      ...this.ends,
      collections: this.rows.map(({ collection, workflowId, state }) => ({ collection, workflowId, state })),
      paused: this.steering.paused,
      startedAt: this.state.startedAt,
    };
  }
}
