import { describe, expect, it } from 'vitest';
import { MAX_OBJECT_BYTES, MAX_PARTS, partSizeFor } from '../../src/model/format/part-sizes.js';

const MIB = 1024 ** 2;

function partsFor(bytes: number, expectedBytes?: number): number {
  let number = 0;
  for (let cut = 0; cut < bytes; cut += partSizeFor(number, expectedBytes)) number += 1;
  return number;
}

describe('the size of a part', () => {
  it('is 8 MiB for the first 1,000 parts of an object of unknown length', () => {
    expect(partSizeFor(1)).toBe(8 * MIB);
    expect(partSizeFor(1_000)).toBe(8 * MIB);
    expect(partSizeFor(1_001)).toBe(16 * MIB);
  });

  it('grows so that 5 TiB of unknown length fit into 10,000 parts', () => {
    expect(partsFor(MAX_OBJECT_BYTES)).toBeLessThanOrEqual(MAX_PARTS);
  });

  it.each([0, 1, 5 * MIB, 16 * 1024 * MIB, 160_000 * MIB, 10 ** 12, MAX_OBJECT_BYTES - 1, MAX_OBJECT_BYTES])(
    'fits %d expected bytes into parts that are all alike',
    (bytes) => {
      expect(partsFor(bytes, bytes)).toBeLessThanOrEqual(MAX_PARTS);
      expect(partSizeFor(partsFor(bytes, bytes) || 1, bytes)).toBe(partSizeFor(1, bytes));
    },
  );

  it.each([10 ** 9, 10 ** 11, 10 ** 12, MAX_OBJECT_BYTES / 2])(
    'fits twice as much as the %d bytes that were expected',
    (expected) => {
      expect(partsFor(2 * expected, expected)).toBeLessThanOrEqual(MAX_PARTS);
    },
  );

  it('never leaves what S3 takes: 5 MiB to 5 GiB', () => {
    for (let number = 1; number <= MAX_PARTS; number += 1) {
      for (const expected of [undefined, 0, 10 ** 12, MAX_OBJECT_BYTES]) {
        const bytes = partSizeFor(number, expected);
        expect(bytes >= 5 * MIB && bytes <= 5 * 1024 * MIB && Number.isInteger(bytes)).toBe(true);
      }
    }
  });

  it.each([undefined, 10 ** 9, 10 ** 12])(
    'is one size for a store that wants parts alike (%s bytes)',
    (bytes) => {
      const sizes = [1, 2, 1_001, 5_000, 10_000].map((number) =>
        partSizeFor(number, bytes, { maxParts: 10_000, alike: true }),
      );
      expect(new Set(sizes).size).toBe(1);
    },
  );

  it.each([10 ** 9, 10 ** 11, 10 ** 12 / 2])(
    'makes %d bytes fit into the 1,000 parts that a store takes',
    (bytes) => {
      const size = partSizeFor(1, bytes, { maxParts: 1_000, alike: false });
      expect(Math.ceil(bytes / size)).toBeLessThanOrEqual(1_000);
    },
  );

  it('grows sooner where a store takes only 1,000', () => {
    const rules = { maxParts: 1_000, alike: false };
    expect([100, 101, 171].map((number) => partSizeFor(number, undefined, rules))).toEqual([
      8 * MIB,
      16 * MIB,
      32 * MIB,
    ]);
  });

  it('is what ferry.yaml says, and larger only where so many parts would not do', () => {
    const rules = { maxParts: 100, alike: false, partSizeBytes: 5 * MIB };
    expect(partSizeFor(7, undefined, rules)).toBe(5 * MIB);
    expect(partSizeFor(7, 500 * MIB, rules)).toBe(5 * MIB);
    expect(partSizeFor(7, 700 * MIB, rules)).toBe(10 * MIB);
  });
});
