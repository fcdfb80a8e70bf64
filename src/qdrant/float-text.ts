// A 32-bit float from the shortest text that tells it from its neighbours, which is how REST shows a vector. Through a
// double it would be rounded twice, and one in some hundred millions would become its neighbour (7.038531e-26).

const SMALLEST_NORMAL = 2 ** -126;
const bits = new DataView(new ArrayBuffer(8));

export function float32Of(text: string): number {
  const double = Number(text);
  const float = Math.fround(double);
  if (float === double || !mayBeMidpoint(double)) return float;
  const other = neighbour(float, double > float);
  if ((float + other) / 2 !== double) return float;
  const side = compareExact(text, double);
  if (side === 0) return float; // a true tie: to the even one, as fround does
  return side > 0 === other > float ? other : float;
}

/** Midpoints between two floats end in a one and 28 zeros; among the smallest, anything may be one. */
function mayBeMidpoint(double: number): boolean {
  if (Math.abs(double) < SMALLEST_NORMAL) return true;
  bits.setFloat64(0, double);
  return (bits.getUint32(4) & 0x1fffffff) === 0x10000000;
}

/** The next float above or below. */
function neighbour(float: number, above: boolean): number {
  if (float === 0) return above ? 2 ** -149 : -(2 ** -149);
  bits.setFloat32(0, float);
  bits.setInt32(0, bits.getInt32(0) + (float > 0 === above ? 1 : -1));
  return bits.getFloat32(0);
}

/** The sign of what the text says minus the double; exact. */
function compareExact(text: string, double: number): number {
  const [, sign, whole = '', fraction = '', power = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([-+]?\d+))?$/.exec(text) ?? [];
  const digits = BigInt(`${whole}${fraction}`) * (sign === '-' ? -1n : 1n);
  const tens = Number(power) - fraction.length;
  const { mantissa, twos } = partsOf(double);
  const left = digits * 10n ** BigInt(Math.max(0, tens)) * 2n ** BigInt(Math.max(0, -twos));
  const right = mantissa * 2n ** BigInt(Math.max(0, twos)) * 10n ** BigInt(Math.max(0, -tens));
  return left > right ? 1 : left < right ? -1 : 0;
}

/** double = mantissa × 2^twos */
export function partsOf(double: number): { mantissa: bigint; twos: number } {
  bits.setFloat64(0, double);
  const raw = bits.getBigUint64(0);
  const biased = Number((raw >> 52n) & 0x7ffn);
  const mantissa = (raw & (2n ** 52n - 1n)) + (biased === 0 ? 0n : 2n ** 52n);
  return { mantissa: double < 0 ? -mantissa : mantissa, twos: Math.max(1, biased) - 1_075 };
}
