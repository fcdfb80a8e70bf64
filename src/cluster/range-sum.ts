// The running digest of a range: adds 16-byte hashes mod 2^128 without a BigInt a point.

import type { RangeDigest } from '../model/format/digest.js';
import type { PointPage } from './points-port.js';

const LIMB = 2 ** 32;
/** A double holds the sum of 2^21 limbs exactly. */
const CARRY_EVERY = 2 ** 20;

export class RangeSum {
  #count = 0;
  /** Four limbs of 32 bits, the lowest first; doubles, so that a page's carries can wait. */
  readonly #limbs = new Float64Array(4);

  add(page: PointPage): void {
    for (let i = 0; i < page.count; i++) this.addHash(page.hashAt(i));
  }

  addHash(hash: Uint8Array): void {
    for (let limb = 0; limb < 4; limb++) this.#limbs[limb]! += bigEndian32(hash, 12 - limb * 4);
    this.#count += 1;
    if (this.#count % CARRY_EVERY === 0) this.#carry();
  }

  value(): RangeDigest {
    this.#carry();
    let sum = '';
    for (let limb = 3; limb >= 0; limb--) sum += this.#limbs[limb]!.toString(16).padStart(8, '0');
    return { count: this.#count, sum };
  }

  #carry(): void {
    const limbs = this.#limbs;
    for (let limb = 0; limb < 4; limb++) {
      const carry = Math.floor(limbs[limb]! / LIMB);
      limbs[limb]! -= carry * LIMB;
      if (limb < 3) limbs[limb + 1]! += carry;
    }
  }
}

function bigEndian32(bytes: Uint8Array, at: number): number {
  return bytes[at]! * 2 ** 24 + (bytes[at + 1]! << 16) + (bytes[at + 2]! << 8) + bytes[at + 3]!;
}
