// How large the parts of an upload are. S3 takes 10,000 parts an object, of 5 MiB to 5 GiB, and objects of 5 TiB; other
// stores take fewer, or only parts that are all alike. Pure, so that an upload that is resumed cuts its parts where the
// first attempt did.

export interface PartRules {
  maxParts: number;
  /** Every part but the last has this size; it grows only where `maxParts` of them would not do. */
  partSizeBytes?: number;
  /** The store puts together only parts that are all alike, but for the last. */
  alike: boolean;
}

export const MAX_PARTS = 10_000;
export const MAX_OBJECT_BYTES = 5 * 1024 ** 4;
export const S3_PARTS: PartRules = { maxParts: MAX_PARTS, alike: false };

const MIB = 1024 ** 2;
const SMALLEST_BYTES = 8 * MIB;
const LARGEST_BYTES = 1024 * MIB;
/** All alike and of unknown length: 320 GB in 10,000 of them, and 96 MiB of memory. */
const UNKNOWN_BYTES = 32 * MIB;

/**
 * Bytes of part `number` (from 1); only the last part may be shorter. Of unknown length: 8 MiB for the first tenth of the
 * parts (1,000, 8 GB), then twice as much every 7 % of them, at most 1 GiB, and 5 TiB fit into 10,000. With `expectedBytes`
 * all parts are alike; what turns out longer goes on with growing ones, and fits up to twice of what was expected. By
 * rules that give a size, or want parts alike, all are alike whatever comes.
 */
export function partSizeFor(number: number, expectedBytes?: number, rules: PartRules = S3_PARTS): number {
  const { maxParts, partSizeBytes, alike } = rules;
  const even = expectedBytes === undefined ? undefined : evenSize(expectedBytes, maxParts);
  if (partSizeBytes !== undefined) {
    const isEnough = expectedBytes === undefined || partSizeBytes * maxParts >= expectedBytes;
    return isEnough || even === undefined ? partSizeBytes : Math.max(even, partSizeBytes);
  }
  if (alike) return even ?? UNKNOWN_BYTES;
  const growing = growingSize(number, maxParts);
  if (even === undefined || expectedBytes === undefined) return growing;
  return number * even <= expectedBytes + even ? even : Math.max(even, growing);
}

/** Whole MiB; three tenths of the parts are kept for what was not expected. */
function evenSize(expectedBytes: number, maxParts: number): number {
  const wanted = Math.ceil(expectedBytes / (maxParts * 0.7) / MIB) * MIB;
  return Math.max(SMALLEST_BYTES, Math.min(wanted, LARGEST_BYTES));
}

function growingSize(number: number, maxParts: number): number {
  const [firstGrowsAt, growsEvery] = [Math.ceil(maxParts * 0.1), Math.ceil(maxParts * 0.07)];
  if (number <= firstGrowsAt) return SMALLEST_BYTES;
  const doublings = 1 + Math.floor((number - firstGrowsAt - 1) / growsEvery);
  return Math.min(LARGEST_BYTES, SMALLEST_BYTES * 2 ** doublings);
}
