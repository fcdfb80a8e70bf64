// Snapshots that ferry did not make, as an input names them, and as a job passes them on. No secret stands in either: a
// URL that needs one is in the environment of the workers, and the input says under which name.

import * as z from 'zod';

/** Without user information, query and fragment: those hold passwords and signatures. */
const OPEN_URL = /^https?:\/\/[^/?#@\s]+(\/[^?#\s]*)?$/i;
/** The whole URL: nobody who may start a job can have another variable sent somewhere. */
const URL_IN_ENVIRONMENT = /^\$\{(FERRY_SNAPSHOT_URL[A-Z0-9_]*)\}$/;
const WITHOUT_SECRETS =
  'must be an http(s) URL without user information, query or fragment. If it needs one, put the whole URL into the environment of the workers as FERRY_SNAPSHOT_URL and use "${FERRY_SNAPSHOT_URL}", or name a store of ferry.yaml';

/** Name of the environment variable that holds the URL. */
export function urlVariable(url: string): string | undefined {
  return URL_IN_ENVIRONMENT.exec(url)?.[1];
}

const path = z
  .string()
  .max(1_000)
  .refine((text) => !text.startsWith('/') && !text.split('/').includes('..'), {
    error: 'must be relative to the store: no "/" at the beginning, and no ".."',
  });

export const externalSourceSchema = z
  .strictObject({
    store: z.string().min(1).max(64).optional(),
    /** Below the store; "" is all of it. */
    folder: path.optional(),
    file: path.min(1).optional(),
    url: z
      .string()
      .max(2_000)
      .refine((text) => OPEN_URL.test(text) || URL_IN_ENVIRONMENT.test(text), { error: WITHOUT_SECRETS })
      .optional(),
    /** Of the Qdrant that made them: a snapshot does not say. */
    qdrantVersion: z
      .string()
      .regex(/^\d+\.\d+(\.\d+)?$/)
      .optional(),
  })
  .superRefine(({ folder, file, url, store }, issue) => {
    const given = [folder, file, url].filter((one) => one !== undefined);
    if (given.length !== 1) issue.addIssue('set exactly one of `folder`, `file` and `url`');
    if (url !== undefined && store !== undefined) issue.addIssue('`url` and `store` cannot be combined');
  });
export type ExternalSource = z.infer<typeof externalSourceSchema>;

/** A file's name, or a pattern with `*` and `?`, and the collection it is of. */
export const namesByFileSchema = z.record(z.string().min(1).max(1_000), z.string().min(1).max(255));

const externalFileSchema = z.strictObject({
  /** Below the store, or the URL as the input has it. */
  path: z.string(),
  /** When the job was planned: another one is another file. */
  etag: z.string(),
  bytes: z.int().min(0),
  /** Name of the snapshot inside a full storage snapshot. */
  inner: z.string().optional(),
});
export type ExternalFile = z.infer<typeof externalFileSchema>;

/** One backup of one collection: what takes the place of a manifest. */
export const externalFilesSchema = z.strictObject({
  isUrl: z.boolean().optional(),
  files: z.array(externalFileSchema).min(1),
  aliases: z.array(z.string()).optional(),
  qdrantVersion: z.string().optional(),
  /** What was passed over to come to these. */
  notes: z.array(z.string()).optional(),
});
export type ExternalFiles = z.infer<typeof externalFilesSchema>;

/** For people, and in the id of a job. */
export function externalPlace({ store, folder, file, url }: ExternalSource, defaultStore = 'store'): string {
  return url ?? `${store ?? defaultStore}:${folder ?? file ?? ''}`;
}
