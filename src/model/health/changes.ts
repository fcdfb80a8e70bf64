// Whether a notifier is told of a report, and what. A change is another status or another set of findings, by severity,
// kind and subject: ages and other figures in their texts change with every check, and are no news.

import type { CheckReport, Finding } from '../contracts/check-activities.js';
import type {
  FindingSubject,
  Notification,
  NotificationReason,
  Told,
} from '../contracts/health-activities.js';

const HOUR_MS = 3_600_000;

/** Undefined: there is nothing to tell. A notifier that was told nothing yet counts as one that was told `ok`. */
export function reasonToTell(
  report: CheckReport,
  told: Told | undefined,
  remindHours: number,
): Exclude<NotificationReason, 'test'> | undefined {
  const { begun, ended } = changesSince(report, told);
  if (report.status !== (told?.status ?? 'ok') || begun.length + ended.length > 0)
    return report.status === 'ok' ? 'recovered' : 'changed';
  if (report.status === 'ok' || told === undefined) return undefined;
  // A clock that was set back must not silence the reminders.
  const passedMs = Math.abs(Date.parse(report.checkedAt) - Date.parse(told.at));
  return passedMs >= remindHours * HOUR_MS ? 'reminder' : undefined;
}

export function changesSince(report: CheckReport, told: Told | undefined): Notification['changes'] {
  const now = subjectsOf(report.findings);
  const before = told?.findings ?? [];
  const [nowKeys, beforeKeys] = [now, before].map((all) => new Set(all.map(keyOf)));
  return {
    begun: now.filter((one) => !beforeKeys?.has(keyOf(one))),
    ended: before.filter((one) => !nowKeys?.has(keyOf(one))),
  };
}

export function toldOf({ status, findings, checkedAt }: CheckReport): Told {
  return { status, findings: subjectsOf(findings), at: checkedAt };
}

export function notificationOf(
  report: CheckReport,
  told: Told | undefined,
  reason: NotificationReason,
  link: string | undefined,
): Notification {
  const leftOut = report.leftOut?.findings;
  return {
    reason,
    status: report.status,
    previous: told?.status ?? null,
    changes: changesSince(report, told),
    findings: report.findings,
    ...(leftOut === undefined ? {} : { findingsLeftOut: leftOut }),
    policy: report.policy ?? null,
    checkedAt: report.checkedAt,
    ...(link === undefined ? {} : { link }),
  };
}

/** The same for the same status and findings, in whatever order. */
export function stateOf({ status, findings }: Pick<Told, 'status' | 'findings'>): string {
  return JSON.stringify([status, ...findings.map(keyOf).sort()]);
}

/** Each once. */
function subjectsOf(findings: readonly Finding[]): FindingSubject[] {
  const subjects = findings.map(({ text: _text, hint: _hint, ...subject }) => subject);
  return [...new Map(subjects.map((subject) => [keyOf(subject), subject])).values()];
}

function keyOf(subject: FindingSubject): string {
  return JSON.stringify(Object.entries(subject).sort(([a], [b]) => (a < b ? -1 : 1)));
}
