// How errors cross the border: a FerryError would only fail the workflow task, which Temporal retries for ever, so
// every one of them leaves a workflow as an ApplicationFailure with its code as type. Nothing else is converted: a
// defect of ferry stays a failed workflow task until a new version fixes it, as Temporal intends.

import {
  ActivityFailure,
  ApplicationFailure,
  ChildWorkflowFailure,
  TerminatedFailure,
  TimeoutFailure,
  isCancellation,
} from '@temporalio/workflow';
import type { CollectionRef } from '../../model/collections.js';
import { FerryError, type ErrorCode } from '../../model/errors.js';
import { describeDifference } from '../../model/state/outcome.js';
import type { CollectionEnd, JobReport, MigrationReport } from '../../model/contracts/results.js';

const MAX_MESSAGE = 1_500;

export interface Trouble {
  code: string;
  message: string;
}

/** Code and message of what really happened, below the wrappings of activities and children. */
export function troubleOf(error: unknown): Trouble {
  if (error instanceof FerryError) return { code: error.code, message: shorten(error.message) };
  if (error instanceof ActivityFailure || error instanceof ChildWorkflowFailure) {
    if (error.cause === undefined) return { code: 'Internal', message: error.message };
    const inner = troubleOf(error.cause);
    return error.cause instanceof TimeoutFailure ? { ...inner, message: timedOut(error, inner) } : inner;
  }
  if (error instanceof ApplicationFailure) {
    return { code: error.type ?? 'Internal', message: shorten(error.message) };
  }
  if (error instanceof TerminatedFailure) {
    return {
      code: 'Aborted',
      message: 'Terminated: nothing was restored. Start the same job again, or run `ferry doctor --fix`.',
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  return {
    code: error instanceof TimeoutFailure ? 'QdrantUnavailable' : 'Internal',
    message: shorten(message),
  };
}

/** Around the first calls on a source: a collection that the job listed may have been deleted since. */
export async function ifItIsThere<T>(
  { cluster, collection }: CollectionRef,
  ask: () => Promise<T>,
): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (troubleOf(error).code !== 'CollectionNotFound') throw error;
    const happened = `"${collection}" on "${cluster}" was there when the job began, and was deleted before its turn came`;
    throw failure('SourceVanished', new FerryError('SourceVanished', happened).message);
  }
}

/** The collection that the job was planned for is gone; another one may have its name. No retry changes that. */
export function isReplaced(error: unknown): boolean {
  return troubleOf(error).code === 'CollectionChanged';
}

export function failure(code: ErrorCode | string, message: string, detail?: unknown): ApplicationFailure {
  return ApplicationFailure.create({
    type: code,
    message: shorten(message),
    nonRetryable: true,
    ...(detail === undefined ? {} : { details: [detail] }),
  });
}

/** Of two sides that are not equal, with the report. */
export function different(report: MigrationReport): ApplicationFailure {
  const { code, message } = describeDifference(report);
  return failure(code, message, report);
}

/** The verdict of a job. */
export function isDifference(error: unknown): boolean {
  return error instanceof ApplicationFailure && ['SidesDiffer', 'SettingsDiffer'].includes(error.type ?? '');
}

/** A job of one collection fails with that collection's own code, so that the true cause is what a user sees first. */
export function jobFailure(report: JobReport, sole: Trouble | undefined) {
  if (sole) return failure(sole.code, sole.message, report);
  const { verified, different, failed } = report;
  const counts = `${verified} verified, ${different} different, ${failed} failed`;
  const named = report.collections.filter((line) => !['verified', 'skipped'].includes(line.outcome));
  const lines = named.slice(0, 5).map((line) => `${line.collection}: ${line.error ?? line.outcome}`);
  const message = [`${counts}.`, ...lines].join('\n');
  if (report.outcome === 'aborted') return failure('Aborted', message, report);
  return failure(report.outcome === 'different' ? 'SidesDiffer' : 'CollectionsFailed', message, report);
}

/** Runs the body of a workflow; a FerryError or the failure of an activity fails it, with the code as type. */
export async function surfacing<T>(body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (!(error instanceof FerryError) && !(error instanceof ActivityFailure)) throw error;
    if (isCancellation(error)) throw error;
    const { code, message } = troubleOf(error);
    throw failure(code, message);
  }
}

/** The report that a failed collection gives with its failure, if it does. */
export function reportIn(error: unknown): CollectionEnd | undefined {
  const cause = error instanceof ChildWorkflowFailure ? error.cause : error;
  const detail: unknown = cause instanceof ApplicationFailure ? cause.details?.[0] : undefined;
  const isReport =
    typeof detail === 'object' && detail !== null && ('proof' in detail || 'contentProof' in detail);
  return isReport ? (detail as CollectionEnd) : undefined;
}

function timedOut(error: ActivityFailure | ChildWorkflowFailure, inner: Trouble): string {
  const what = error instanceof ActivityFailure ? error.activityType : error.workflowType;
  return `${what} did not answer in time (${inner.message})`;
}

function shorten(message: string): string {
  return message.length <= MAX_MESSAGE ? message : `${message.slice(0, MAX_MESSAGE - 1)}…`;
}
