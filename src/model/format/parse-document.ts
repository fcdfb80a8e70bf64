// Reads a document of a store. Promises that one of a later ferry is told from a damaged one.

import * as z from 'zod';
import { FerryError } from '../errors.js';
import { backupKind, CAPTURE_FORMS, proofSchema } from './manifest.js';
import { MANIFEST_VERSION } from './fields.js';

/** Parses a stored document, or throws `ManifestInvalid`; `ManifestTooNew` for one that a newer ferry wrote. */
export function parseDocument<T>(schema: z.ZodType<T>, text: string, key: string): T {
  const value = jsonOf(text, key);
  const newer = formOfNewerFerry(value);
  if (newer !== undefined) {
    const happened = `The document was written by a newer ferry: ${newer}`;
    throw new FerryError('ManifestTooNew', happened, { context: { key } });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new FerryError(
    'ManifestInvalid',
    `The document is damaged: ${z.prettifyError(parsed.error).slice(0, 500)}`,
    {
      context: { key },
    },
  );
}

/** What each document may hold in these fields; another value is of a later version of ferry, and no damage. */
const KINDS: Partial<Record<string, readonly string[]>> = {
  'qdrant-ferry/collection': backupKind.options,
  'qdrant-ferry/backup': backupKind.options,
  'qdrant-ferry/proof': proofSchema.shape.kind.options,
};

function formOfNewerFerry(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { format, version, kind, capture } = value as Record<string, unknown>;
  if (typeof version === 'number' && version > MANIFEST_VERSION) {
    return `format version ${version}, and this one knows ${MANIFEST_VERSION}`;
  }
  const kinds = KINDS[String(format)];
  if (kinds && typeof kind === 'string' && !kinds.includes(kind)) return `kind "${kind.slice(0, 40)}"`;
  for (const [field, known] of Object.entries(CAPTURE_FORMS)) {
    const form = (capture as Record<string, unknown> | null | undefined)?.[field];
    if (typeof form === 'string' && !known.includes(form)) return `capture ${field} "${form.slice(0, 40)}"`;
  }
  return undefined;
}

function jsonOf(text: string, key: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new FerryError('ManifestInvalid', 'The document is not JSON', { cause, context: { key } });
  }
}
