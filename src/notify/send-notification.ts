// One message to one notifier: a webhook, or a command. Errors are `NotificationFailed`, and hold no secret.

import type { Notification } from '../model/contracts/health-activities.js';
import type { Notifier } from '../model/health/notifier-schema.js';
import { runCommand } from './run-command.js';
import { sendWebhook } from './send-webhook.js';

/** The same message has the same id, however often it is sent. */
export interface Message {
  id: string;
  body: string;
}

export interface Receipt {
  /** "HTTP 204", "exit status 0" */
  answer: string;
  /** The beginning of what the receiver wrote. It may hold anything: for the terminal of whoever asked, not for a history. */
  said: string;
}

export function sendNotification(
  notifier: Notifier,
  id: string,
  notification: Notification,
  signal: AbortSignal,
): Promise<Receipt> {
  const message = { id, body: JSON.stringify(notification) };
  return 'webhook' in notifier
    ? sendWebhook(notifier, message, signal)
    : runCommand(notifier, message, signal);
}
