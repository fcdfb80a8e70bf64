// A point's id as text: the decimal digits of an unsigned 64-bit number, or a lower-case UUID with hyphens.
// Never a JavaScript number: ids over 2^53 would change.

export type PointId = string;

/** Qdrant's order: numbers first, numerically; then UUIDs, by their bytes. */
export function compareIds(a: PointId, b: PointId): number {
  const aIsUuid = isUuid(a);
  if (aIsUuid !== isUuid(b)) return aIsUuid ? 1 : -1;
  if (!aIsUuid && a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

export function isUuid(id: PointId): boolean {
  return id.length === 36;
}
