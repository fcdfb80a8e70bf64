// The digest of a range of points: how many, and the sum mod 2^128 of their hashes. A sum, not XOR: with XOR two
// equal extra points would cancel out. Order does not matter, so ranges can be added. docs/digest.md has the format.

export const DIGEST_VERSION = 1;

export interface RangeDigest {
  /** Number of points. */
  count: number;
  /** Sum of the points' 128-bit hashes mod 2^128, 32 lower-case hex digits. */
  sum: string;
}

export const EMPTY_DIGEST: RangeDigest = { count: 0, sum: '0'.repeat(32) };

const MASK = (1n << 128n) - 1n;

export function addDigests(...digests: readonly RangeDigest[]): RangeDigest {
  let count = 0;
  let sum = 0n;
  for (const digest of digests) {
    count += digest.count;
    sum += BigInt(`0x${digest.sum}`);
  }
  return { count, sum: (sum & MASK).toString(16).padStart(32, '0') };
}

export function sameDigest(a: RangeDigest, b: RangeDigest): boolean {
  return a.count === b.count && a.sum === b.sum;
}
