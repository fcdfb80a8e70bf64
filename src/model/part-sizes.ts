// How large the parts of an upload are. S3 takes 10,000 parts an object, of 5 MiB to 5 GiB, and objects of 5 TiB.
// Pure, so that an upload that is resumed cuts its parts where the first attempt did.

export const MAX_PARTS = 10_000;
export const MAX_OBJECT_BYTES = 5 * 1024 ** 4;

const MIB = 1024 ** 2;
const SMALLEST_BYTES = 8 * MIB;
const LARGEST_BYTES = 1024 * MIB;
const FIRST_GROWS_AT = 1_000;
const GROWS_EVERY = 700;

/**
 * Bytes of part `number` (from 1); only the last part may be shorter. Of unknown length: 8 MiB for the first 1,000
 * parts (8 GB), then twice as much every 700 parts, at most 1 GiB, and 5 TiB fit. With `expectedBytes` all parts are
 * alike; what turns out longer goes on with growing ones, and fits up to twice of what was expected.
 */
export function partSizeFor(number: number, expectedBytes?: number): number {
  const growing = growingSize(number);
  if (expectedBytes === undefined) return growing;
  const even = evenSize(expectedBytes);
  return number * even <= expectedBytes + even ? even : Math.max(even, growing);
}

/** Whole MiB; three tenths of the parts are kept for what was not expected. */
function evenSize(expectedBytes: number): number {
  const wanted = Math.ceil(expectedBytes / (MAX_PARTS * 0.7) / MIB) * MIB;
  return Math.max(SMALLEST_BYTES, Math.min(wanted, LARGEST_BYTES));
}

function growingSize(number: number): number {
  if (number <= FIRST_GROWS_AT) return SMALLEST_BYTES;
  const doublings = 1 + Math.floor((number - FIRST_GROWS_AT - 1) / GROWS_EVERY);
  return Math.min(LARGEST_BYTES, SMALLEST_BYTES * 2 ** doublings);
}
