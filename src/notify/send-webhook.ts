// A webhook, signed as Standard Webhooks say (github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md), so
// that the libraries of receivers verify it. Promises one request with a time limit and no redirect followed: another place
// must not get the message because the first one said so. Errors say the host and the status, never the path, a header or
// what the receiver answered.

import { createHmac } from 'node:crypto';
import { FerryError } from '../model/errors.js';
import type { WebhookNotifier } from '../model/health/notifier-schema.js';
import type { Message, Receipt } from './send-notification.js';

const LONGEST_ANSWER = 2_000;

export async function sendWebhook(
  notifier: WebhookNotifier,
  { id, body }: Message,
  signal: AbortSignal,
): Promise<Receipt> {
  const timestamp = Math.floor(Date.now() / 1_000);
  const limit = AbortSignal.timeout(notifier.timeoutSeconds * 1_000);
  try {
    const response = await fetch(notifier.webhook, {
      method: 'POST',
      redirect: 'manual',
      signal: AbortSignal.any([signal, limit]),
      headers: {
        'user-agent': 'qdrant-ferry',
        ...notifier.headers,
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': signatureOf(notifier.secret, `${id}.${timestamp}.${body}`),
      },
      body,
    });
    const { status } = response;
    // Nobody keeps the answer but `ferry notify test`; the status alone decides.
    const said = await shortly(response.body).catch(() => '');
    if (status >= 200 && status < 300) return { answer: `HTTP ${status}`, said };
    throw refused(notifier, status, response.headers.get('retry-after'));
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof FerryError ? error : unreachable(notifier, limit, error);
  }
}

function signatureOf(secret: string, content: string): string {
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  return `v1,${createHmac('sha256', key).update(content).digest('base64')}`;
}

async function shortly(body: ReadableStream<Uint8Array> | null): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length >= LONGEST_ANSWER) break;
  }
  return text.slice(0, LONGEST_ANSWER);
}

/** What may pass is repeated: an overloaded receiver, and one that is being restarted. */
function refused(notifier: WebhookNotifier, status: number, retryAfter: string | null): FerryError {
  const retryable = status >= 500 || [408, 425, 429].includes(status);
  const seconds = Number(retryAfter);
  const isRedirect = status >= 300 && status < 400;
  const why = isRedirect ? `HTTP ${status}, a redirect, which is not followed` : `HTTP ${status}`;
  return new FerryError('NotificationFailed', `${hostOf(notifier)} answered ${why}`, {
    retryable,
    context: { notifier: notifier.name },
    ...(retryAfter !== null && seconds > 0 ? { retryAfterMs: seconds * 1_000 } : {}),
  });
}

function unreachable(notifier: WebhookNotifier, limit: AbortSignal, error: unknown): FerryError {
  const cause = error instanceof Error ? (error.cause as NodeJS.ErrnoException | undefined) : undefined;
  const why = limit.aborted
    ? `did not answer within ${notifier.timeoutSeconds} s`
    : `cannot be reached (${cause?.code ?? 'error'})`;
  return new FerryError('NotificationFailed', `${hostOf(notifier)} ${why}`, {
    context: { notifier: notifier.name },
  });
}

function hostOf({ webhook }: WebhookNotifier): string {
  return new URL(webhook).host;
}
