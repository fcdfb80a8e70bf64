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

const LAST_NUMBER = 2n ** 64n - 1n;
const FIRST_UUID = '00000000-0000-0000-0000-000000000000';
const LAST_UUID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** The least id greater than this one; undefined behind the very last. A scroll may start at an id that does not exist. */
export function nextId(id: PointId): PointId | undefined {
  if (!isUuid(id)) {
    const number = BigInt(id);
    return number === LAST_NUMBER ? FIRST_UUID : String(number + 1n);
  }
  if (id === LAST_UUID) return undefined;
  const digits = (BigInt(`0x${id.replaceAll('-', '')}`) + 1n).toString(16).padStart(32, '0');
  return uuidOf(digits);
}

/** From its 32 hex digits. */
export function uuidOf(hex: string): PointId {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
