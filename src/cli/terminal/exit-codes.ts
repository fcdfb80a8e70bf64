// What the command's exit status means, decided from what the job reports.

import type { ApplicationFailure } from '@temporalio/common';
import type { Status } from '../../model/contracts/check-activities.js';
import type { JobReport } from '../../model/contracts/results.js';
import { type ErrorCode, FerryError, hasTrait } from '../../model/errors.js';

export const EXIT = { done: 0, failed: 1, usage: 2, different: 3, interrupted: 130 } as const;

/** Of `ferry check` alone: what it found. A check that could not be made ends as any other command. */
export const CHECK_EXIT: Record<Status, number> = { ok: 0, warning: 1, critical: 2 };

const USAGE: readonly string[] = ['InvalidInput', 'UnknownAlias', 'InvalidConfig'] satisfies ErrorCode[];

/** How a job ended: its report where there is one, and the code and message when it failed. */
export interface JobEnd {
  report?: JobReport;
  error?: { code: string; message: string };
}

export function exitCodeOfError(code: string): number {
  if (USAGE.includes(code)) return EXIT.usage;
  return hasTrait(code, 'isDifference') ? EXIT.different : EXIT.failed;
}

export function exitCodeOfEnd(end: JobEnd): number {
  if (end.error && exitCodeOfError(end.error.code) !== EXIT.failed) return exitCodeOfError(end.error.code);
  if (end.report) return exitCodeOfReport(end.report);
  return end.error ? EXIT.failed : EXIT.done;
}

function exitCodeOfReport(report: JobReport): number {
  if (report.outcome === 'verified' || report.outcome === 'unproven') return EXIT.done;
  return report.outcome === 'different' ? EXIT.different : EXIT.failed;
}

export function errorDocument(error: unknown): { error: { code: string; message: string } } {
  if (error instanceof FerryError) return { error: { code: error.code, message: error.message } };
  if (isApplicationFailure(error)) return { error: { code: codeOf(error), message: error.message } };
  const message = error instanceof Error ? error.message : String(error);
  return { error: { code: 'Internal', message } };
}

/** By its name, which is part of the SDK's interface: to load the class takes longer than most commands need to start. */
function isApplicationFailure(error: unknown): error is ApplicationFailure {
  return error instanceof Error && error.name === 'ApplicationFailure';
}

/** The validator of an update throws a plain Error: what was asked makes no sense now. */
function codeOf(failure: ApplicationFailure): string {
  return failure.type === undefined || failure.type === null || failure.type === 'Error'
    ? 'InvalidInput'
    : failure.type;
}

/** "code: message", unless the message begins with its code already. */
export function errorText({ code, message }: { code: string; message: string }): string {
  return message.startsWith(`${code}: `) ? message : `${code}: ${message}`;
}
