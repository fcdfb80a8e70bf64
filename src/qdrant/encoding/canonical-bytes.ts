// The growing scratch buffer that a point's canonical form is written to, and the primitives of that form
// (docs/digest.md). Reused from point to point: what `view()` returns is valid until the next `reset()`.

export const NULL = 0;
export const FALSE = 1;
export const TRUE = 2;
export const INTEGER = 3;
export const DOUBLE = 4;
export const STRING = 5;
export const LIST = 6;
export const OBJECT = 7;
/** An integer of 2^63 or more, which only REST shows. */
export const UNSIGNED = 8;

export class CanonicalBytes {
  #bytes = Buffer.allocUnsafeSlow(1 << 16);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  reset(): void {
    this.#length = 0;
  }

  get length(): number {
    return this.#length;
  }

  view(from = 0): Buffer {
    return this.#bytes.subarray(from, this.#length);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  u32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
  }

  /** Room for a number that is known later; returns where. */
  u32Later(): number {
    this.u32(0);
    return this.#length - 4;
  }

  setU32(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }

  u64(low: number, high: number): void {
    this.u32(low);
    this.u32(high);
  }

  double(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  /** Bytes as they are, without a length. */
  raw(source: Uint8Array, start: number, end: number): void {
    const length = end - start;
    this.#reserve(length);
    if (length < 24) {
      // A call of set() costs more than these few bytes.
      for (let i = 0; i < length; i++) this.#bytes[this.#length + i] = source[start + i] as number;
    } else this.#bytes.set(source.subarray(start, end), this.#length);
    this.#length += length;
  }

  /** Length, then bytes. */
  string(source: Uint8Array, start: number, end: number): void {
    this.u32(end - start);
    this.raw(source, start, end);
  }

  /** Every fifth byte is a tag: floats as Qdrant 1.16 sends them, unpacked. Writes `count` floats from the first tag on. */
  unpackedFloats(source: DataView, firstTag: number, count: number): void {
    this.#reserve(count * 4);
    const view = this.#view;
    let to = this.#length;
    for (let i = 0, from = firstTag + 1; i < count; i++, from += 5, to += 4) {
      view.setUint32(to, source.getUint32(from, true), true);
    }
    this.#length = to;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}
