// `notifiers` of ferry.yaml: whom a check tells. A webhook or a command, by a name that workflows carry alone.
// Messages name the field and never repeat a value.

import * as z from 'zod';

/** standardwebhooks.com: 24 to 64 random bytes, base64, after `whsec_`. */
const SECRET = /^whsec_[A-Za-z0-9+/]{32,86}={0,2}$/;
const HEADER = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/;
/** What the message itself sets. */
const OURS = /^(webhook-.*|content-type|content-length|transfer-encoding|host|connection)$/i;

const webhookUrl = z.string().superRefine((text, issue) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol))
    return issue.addIssue('must be a URL that begins with http:// or https://');
  if (url.username !== '' || url.password !== '') issue.addIssue('must not hold credentials; use `headers`');
  if (url.hash !== '') issue.addIssue('must not have a fragment');
});

const headers = z
  .record(z.string(), z.string().regex(/^[\x20-\x7e]{0,4096}$/, 'must be one line of ASCII'))
  .superRefine((given, issue) => {
    for (const name of Object.keys(given)) {
      if (!HEADER.test(name)) issue.addIssue('is not the name of a header');
      else if (OURS.test(name)) issue.addIssue(`\`${name}\` is set by ferry`);
    }
  });

export const notifierSchema = z
  .strictObject({
    webhook: webhookUrl.optional(),
    secret: z.string().optional(),
    /** Path, relative to ferry.yaml, of a file that holds it; read again when it changes. */
    secretFile: z.string().min(1).optional(),
    /** Sent with the webhook: "Authorization" and the like. */
    headers: headers.optional(),
    /** Program and arguments, run without a shell. */
    command: z.array(z.string().min(1).max(4_096)).min(1).max(100).optional(),
    /** Of one attempt. */
    timeoutSeconds: z.int().min(1).max(60).default(10),
    /** What still holds is told again after so long; in place of that of the check. */
    remindHours: z.number().positive().max(8_760).optional(),
  })
  .superRefine((given, issue) => {
    const { webhook, command, secret, secretFile } = given;
    if ((webhook === undefined) === (command === undefined))
      issue.addIssue('set either `webhook` or `command`');
    if (webhook !== undefined && (secret === undefined) === (secretFile === undefined))
      issue.addIssue('set either `secret` or `secretFile`: a webhook is signed');
    const ofWebhook = (['secret', 'secretFile', 'headers'] as const).filter(
      (field) => given[field] !== undefined,
    );
    if (command !== undefined && ofWebhook.length > 0)
      issue.addIssue(`a command has no ${ofWebhook.map((field) => `\`${field}\``).join(', ')}`);
    if (secret !== undefined && !isWebhookSecret(secret))
      issue.addIssue({ code: 'custom', path: ['secret'], message: SECRET_FAULT });
  });

export const SECRET_FAULT =
  'must be `whsec_` and 24 to 64 random bytes in base64: echo "whsec_$(head -c 32 /dev/urandom | base64)" makes one';

export function isWebhookSecret(text: string): boolean {
  return SECRET.test(text);
}

export type NotifierEntry = z.infer<typeof notifierSchema>;

interface EveryNotifier {
  name: string;
  timeoutSeconds: number;
  remindHours?: number;
}
export interface WebhookNotifier extends EveryNotifier {
  webhook: string;
  secret: string;
  headers: Record<string, string>;
}
export interface CommandNotifier extends EveryNotifier {
  command: string[];
}
export type Notifier = WebhookNotifier | CommandNotifier;
