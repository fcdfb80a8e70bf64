// Notes in the store that this job reads a backup, and again once an hour while an activity lasts, so that no prune removes
// it. A store that cannot be written is no reason not to recover from it: the plan says so, and the job goes on.

import { Context } from '@temporalio/activity';
import { FerryError } from '../model/errors.js';

/** Who notes it, where backups are pruned; snapshots of others are not. */
export interface Readers<B> {
  note(backup: B, reader: string): Promise<void>;
  remove(backup: B, reader: string): Promise<void>;
}

const RENEW_EVERY_MS = 3_600_000;

/** The same for all activities of a workflow, and of nobody else. */
export function readerName(): string {
  const { workflowExecution, workflowNamespace } = Context.current().info;
  return `${workflowExecution?.workflowId} (${workflowNamespace}, ${workflowExecution?.runId})`;
}

/** Says why it could not be noted. What may succeed when it is repeated is thrown. */
export async function noteReading<B>(readers: Readers<B> | undefined, backup: B): Promise<string[]> {
  try {
    await readers?.note(backup, readerName());
    return [];
  } catch (error) {
    if (!(error instanceof FerryError) || error.retryable) throw error;
    return [
      `The store does not know that this backup is being read, so a prune may remove it meanwhile (${error.code}: ${error.happened}).`,
    ];
  }
}

/** Nothing fails because of it. */
export async function whileReading<B, T>(
  readers: Readers<B> | undefined,
  backup: B,
  work: () => Promise<T>,
): Promise<T> {
  if (readers === undefined) return work();
  const reader = readerName();
  const renew = () => readers.note(backup, reader).catch(() => undefined);
  await renew();
  const timer = setInterval(() => void renew(), RENEW_EVERY_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

export async function endReading<B>(readers: Readers<B> | undefined, backup: B): Promise<void> {
  await readers?.remove(backup, readerName()).catch(() => undefined);
}
