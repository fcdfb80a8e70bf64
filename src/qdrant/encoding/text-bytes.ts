// The growing buffer that the JSON text of many points is written to, and floats as digits without a string for each:
// a vector has hundreds of them. A float becomes its first nine or ten digits as an integer and a power of ten, so near
// (5e-9 of it; floats are at least 6e-8 of it apart) that it does not matter that Qdrant rounds to a double first.

const BIAS = 127;

/** By binary exponent: the power of ten with which a float of it lies between 1e8 and 2^31. */
const POWERS = Array.from({ length: 256 }, (_, i) => Math.floor(Math.log10(2 ** 31 / 2 ** (i - BIAS + 1))));
const FACTORS = Float64Array.from(POWERS, (power) => Number(`1e${power}`));
const ENDINGS = POWERS.map((power) => Buffer.from(`e${-power}`));

/** A comma, a sign, ten digits, and an exponent of two digits with its sign. */
const LONGEST_FLOAT = 17;
const COMMA = 0x2c;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const ZERO = 0x30;
const MINUS = 0x2d;

export class TextBytes {
  #bytes: Buffer;
  #length = 0;

  constructor(expectedBytes = 1 << 10) {
    this.#bytes = Buffer.allocUnsafeSlow(expectedBytes);
  }

  get length(): number {
    return this.#length;
  }

  reset(): void {
    this.#length = 0;
  }

  /** Valid until something is written. */
  bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  text(text: string): void {
    this.raw(Buffer.from(text));
  }

  /** One character of ASCII. */
  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /**
   * A list of finite floats that stand `width` bytes apart. Each with a point or an exponent, or Qdrant 1.17 takes rows of
   * them for integers.
   */
  floats(source: DataView, first: number, count: number, width: number): void {
    this.#reserve(2 + count * LONGEST_FLOAT);
    this.byte(OPEN);
    for (let i = 0, from = first; i < count; i++, from += width) {
      if (i > 0) this.#bytes[this.#length++] = COMMA;
      this.#float(source.getFloat32(from, true), source.getUint8(from + 3), source.getUint8(from + 2));
    }
    this.byte(CLOSE);
  }

  /** Room for it is there. */
  #float(value: number, lastByte: number, byteBefore: number): void {
    const exponent = ((lastByte & 0x7f) << 1) | (byteBefore >> 7);
    if (exponent === 0) return this.text(smallText(value));
    const bytes = this.#bytes;
    let at = this.#length;
    if (value < 0) bytes[at++] = MINUS;
    const digits = (Math.abs(value) * (FACTORS[exponent] as number) + 0.5) | 0;
    at += digits >= 1_000_000_000 ? 10 : 9;
    for (let rest = digits, to = at - 1; rest > 0; to--) {
      const tenth = (rest / 10) | 0;
      bytes[to] = ZERO + rest - tenth * 10;
      rest = tenth;
    }
    const ending = ENDINGS[exponent] as Buffer;
    for (let i = 0; i < ending.length; i++) bytes[at++] = ending[i] as number;
    this.#length = at;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

/** Zero, and what is smaller than a float of full precision. */
function smallText(value: number): string {
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  return value.toExponential(9);
}
