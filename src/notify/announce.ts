// Tells the notifiers of a check what changed. Promises that each is told at least once, that one which fails does not keep
// the others from it, and that a repeated attempt tells only those that were not reached, under the same id.

import { createHash } from 'node:crypto';
import type { AnnounceHealthInput, Announcement, Told } from '../model/contracts/health-activities.js';
import { FerryError } from '../model/errors.js';
import { notificationOf, reasonToTell, stateOf, toldOf } from '../model/health/changes.js';
import type { Notifier } from '../model/health/notifier-schema.js';
import { sendNotification } from './send-notification.js';

export type Notifiers = Readonly<Record<string, Notifier>>;

export interface AnnounceAttempt {
  runId: string;
  link?: string | undefined;
  /** Notifiers that an earlier attempt reached. */
  sent: readonly string[];
  remember: (sent: string[]) => Promise<void>;
  /** What fails now stands in the result. */
  isLast: boolean;
  signal: AbortSignal;
}

type Outcome = { told: Told; wasSent?: boolean } | { error: FerryError; told: Told | undefined };

export async function announce(
  notifiers: Notifiers,
  input: AnnounceHealthInput,
  attempt: AnnounceAttempt,
): Promise<Announcement> {
  const sent = [...attempt.sent];
  const onSent = (name: string) => attempt.remember([...(sent.push(name), sent)]);
  const names = [...new Set(input.notify)];
  const outcomes = await Promise.all(
    names.map((name) => tell(name, notifiers, input, { ...attempt, sent: [...attempt.sent] }, onSent)),
  );
  const errors = outcomes.flatMap((one) => ('error' in one ? [one.error] : []));
  const again = errors.find(({ retryable }) => retryable);
  if (again !== undefined && !attempt.isLast) throw again;
  return resultOf(names, outcomes);
}

async function tell(
  name: string,
  notifiers: Notifiers,
  { report, previous, remindHours }: AnnounceHealthInput,
  { runId, link, sent, signal }: AnnounceAttempt,
  onSent: (name: string) => Promise<void>,
): Promise<Outcome> {
  const told = previous?.announcement?.announced[name];
  if (sent.includes(name)) return { told: toldOf(report), wasSent: true };
  try {
    const notifier = requireNotifier(notifiers, name);
    const reason = reasonToTell(report, told, notifier.remindHours ?? remindHours);
    if (reason === undefined) return { told: told ?? toldOf(report) };
    const id = messageId(runId, name, stateOf(toldOf(report)));
    await sendNotification(notifier, id, notificationOf(report, told, reason, link), signal);
    await onSent(name);
    return { told: toldOf(report), wasSent: true };
  } catch (error) {
    if (!(error instanceof FerryError)) throw error;
    return { error, told };
  }
}

function resultOf(names: readonly string[], outcomes: readonly Outcome[]): Announcement {
  const result: Announcement = { announced: {}, sent: [], failed: [] };
  names.forEach((name, at) => {
    const outcome = outcomes[at];
    if (outcome === undefined) return;
    if (outcome.told !== undefined) result.announced[name] = outcome.told;
    if ('error' in outcome) result.failed.push({ notifier: name, why: outcome.error.happened });
    else if (outcome.wasSent) result.sent.push(name);
  });
  return result;
}

export function requireNotifier(notifiers: Notifiers, name: string): Notifier {
  const found = Object.hasOwn(notifiers, name) ? notifiers[name] : undefined;
  if (found !== undefined) return found;
  const known = Object.keys(notifiers).sort().join(', ') || 'none';
  throw new FerryError('UnknownAlias', `There is no notifier "${name}" in ferry.yaml; it has: ${known}`);
}

function messageId(runId: string, notifier: string, state: string): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([runId, notifier, state]))
    .digest('hex');
  return `msg_${hash.slice(0, 32)}`;
}
