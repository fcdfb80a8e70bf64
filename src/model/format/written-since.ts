// The points that were written since a time, as a payload field of theirs says.

import * as z from 'zod';

/** How an application writes the time: seconds or milliseconds since 1970 UTC, or a date as text (RFC 3339). */
export const fieldUnit = z.enum(['seconds', 'milliseconds', 'datetime']);
export type FieldUnit = z.infer<typeof fieldUnit>;

export const writtenSinceSchema = z.strictObject({
  /** As Qdrant names it in a filter: "updated_at", "meta.updated_at". */
  field: z.string().min(1),
  unit: fieldUnit,
  /** Points of this time and later, ISO 8601. */
  at: z.iso.datetime(),
});
export type WrittenSince = z.infer<typeof writtenSinceSchema>;

/** What the field of a point that was written at this time holds. */
export function fieldTime({ unit, at }: Pick<WrittenSince, 'unit' | 'at'>): number | string {
  const milliseconds = Date.parse(at);
  if (unit === 'datetime') return at;
  return unit === 'milliseconds' ? milliseconds : Math.floor(milliseconds / 1000);
}
