// What a check tells, and to whom: the activity that sets the metrics and notifies, and the message that it sends.

import type { CheckReport, Finding, Status } from './check-activities.js';

/** What a finding is about, without its text and its figures. */
export type FindingSubject = Omit<Finding, 'text' | 'hint'>;

/** What one notifier was told last. */
export interface Told {
  status: Status;
  findings: FindingSubject[];
  /** `checkedAt` of the report that was told, or of the first one, where there was nothing to tell. */
  at: string;
}

export interface Announcement {
  /** By notifier. In the result of `checkBackups`, so that the next check knows it, whichever worker runs it. */
  announced: Record<string, Told>;
  /** Notifiers that took the message of this check. */
  sent: string[];
  /** They are told by the next check. */
  failed: { notifier: string; why: string }[];
}

export interface AnnounceHealthInput {
  report: CheckReport;
  /** The result of the check before, from the same schedule. */
  previous?: CheckReport | undefined;
  /** Names in `notifiers` of ferry.yaml. */
  notify: string[];
  remindHours: number;
}

/** Queue ferry-control. */
export interface HealthActivities {
  announceHealth(input: AnnounceHealthInput): Promise<Announcement>;
}

export type NotificationReason = 'changed' | 'reminder' | 'recovered' | 'test';

/** Body of a webhook, and stdin of a command. */
export interface Notification {
  reason: NotificationReason;
  status: Status;
  /** What this notifier was told last; null if it was told nothing yet. */
  previous: Status | null;
  changes: { begun: FindingSubject[]; ended: FindingSubject[] };
  /** All that hold now. */
  findings: Finding[];
  /** How many more there are than the report holds. */
  findingsLeftOut?: number;
  policy: string | null;
  checkedAt: string;
  /** The check in the Temporal UI, if ferry.yaml has `temporal.ui`. */
  link?: string;
}
