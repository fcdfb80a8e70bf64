// Numbers between text and bits: doubles as text that Qdrant reads back to the same 64 bits, and the floats that it shows.
// Its JSON parser (serde_json without `float_roundtrip`) multiplies or divides the digits by a power of ten, so it rounds
// twice: of the doubles between 0 and 1 one in nine becomes its neighbour. It stores a payload as JSON too, so what a write
// brings is parsed once more, whatever wire it came over (measured on 1.16.3 and 1.17.0). Here its arithmetic is repeated,
// and where a text would go wrong another one is searched:
//
//   1. the shortest text; most are read right
//   2. else digits × 10^exponent with 16 to 20 digits, nearest first: one that an exact parser reads right too, or else
//      one that Qdrant does
//   3. none found: the shortest, whose neighbour the proof then finds and names

import { numbersIn } from './json-reader.js';

const LARGEST_POWER = 308;
const MAX_SIGNIFICAND = 2n ** 64n;
const TRIES = 24n;
/** Between these a double that Qdrant shows is one that it keeps. */
const KEPT_FROM = 1e-6;
const KEPT_TO = 1e37;

/** A payload's text with every double in it written so that Qdrant shows the same bits; usually the text itself. */
export function exactlyReadable(text: Buffer): Buffer {
  const parts: Buffer[] = [];
  let kept = 0;
  for (const { start, end } of numbersIn(text)) {
    const digits = text.toString('latin1', start, end);
    if (!/[.eE]/.test(digits) || shownByQdrant(digits) === Number(digits)) continue;
    parts.push(text.subarray(kept, start), Buffer.from(doubleText(Number(digits))));
    kept = end;
  }
  return parts.length === 0 ? text : Buffer.concat([...parts, text.subarray(kept)]);
}

/** `value` is finite. With a point or an exponent, or it would be an integer. */
export function doubleText(value: number): string {
  if (Object.is(value, -0)) return '-0.0';
  if (value < 0) return `-${doubleText(-value)}`;
  const shortest = shortestText(value);
  return shownByQdrant(shortest) === value ? shortest : (searched(value) ?? shortest);
}

/** False for a double that Qdrant shows, and shows as its neighbour once it is written again. */
export function isKeptByQdrant(value: number): boolean {
  const size = Math.abs(value);
  if (size === 0 || (size >= KEPT_FROM && size < KEPT_TO) || !Number.isFinite(value)) return true;
  return stored(size) === size;
}

function shortestText(value: number): string {
  const text = value < 1e16 ? String(value) : value.toExponential();
  return /[.e]/.test(text) ? text : `${text}.0`;
}

function searched(value: number): string | undefined {
  const tens = Number(value.toExponential().split('e')[1]);
  let found: string | undefined;
  for (let digits = 16; digits <= 20; digits++) {
    const exponent = tens - digits + 1;
    for (const significand of around(scaled(value, -exponent))) {
      const text = `${significand}e${exponent}`;
      if (shownByQdrant(text) !== value) continue;
      if (Number(text) === value) return text;
      found ??= text;
    }
  }
  return found;
}

/** Nearest first. Above 2^53 the parser rounds the digits to a double: smaller steps would be the same number to it. */
function* around(nearest: bigint): Generator<bigint> {
  const step = nearest < 2n ** 53n ? 1n : 2n ** BigInt(nearest.toString(2).length - 53);
  for (let i = 0n; i < TRIES; i++) {
    for (const significand of [nearest + i * step, nearest - i * step])
      if (significand > 0n && significand < MAX_SIGNIFICAND) yield significand;
  }
}

/** value × 10^power, rounded to an integer; exact arithmetic. */
function scaled(value: number, power: number): bigint {
  const { mantissa, twos } = partsOf(value);
  const above = mantissa * 2n ** BigInt(Math.max(0, twos)) * 10n ** BigInt(Math.max(0, power));
  const below = 2n ** BigInt(Math.max(0, -twos)) * 10n ** BigInt(Math.max(0, -power));
  return (above + below / 2n) / below;
}

/** What Qdrant shows after a write of this text, a number with a point or an exponent; for tests, too. */
export function shownByQdrant(text: string): number {
  const [, sign, whole = '', fraction = '', power = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([-+]?\d+))?$/.exec(text) ?? [];
  const digits = `${whole}${fraction}`;
  // More than 64 bits of digits: its parser takes another way, which ours are too short for.
  if (digits.length > 19 && BigInt(digits) >= MAX_SIGNIFICAND) return Number.NaN;
  const value = stored(timesPowerOfTen(Number(digits), Number(power) - fraction.length));
  return sign === '-' ? -value : value;
}

/** A positive double, written as Qdrant's storage writes it, and read as it reads that. */
function stored(value: number): number {
  if (value === 0) return value;
  const [mantissa = '', power] = value.toExponential().split('e');
  const digits = mantissa.replace('.', '');
  const tens = Number(power);
  const exponent = tens - digits.length + 1;
  // Up to sixteen digits before the point are spelled out, and ".0" behind them.
  if (exponent >= 0 && tens < 16) return timesPowerOfTen(Number(`${digits}${'0'.repeat(exponent)}0`), -1);
  return timesPowerOfTen(Number(digits), exponent);
}

function timesPowerOfTen(digits: number, exponent: number): number {
  if (exponent >= 0) return exponent > LARGEST_POWER ? Number.NaN : digits * Number(`1e${exponent}`);
  let [value, left] = [digits, exponent];
  for (; left < -LARGEST_POWER; left += LARGEST_POWER) value /= 1e308;
  return value / Number(`1e${-left}`);
}

const SMALLEST_NORMAL = 2 ** -126;
/** Scratch. */
const bits = new DataView(new ArrayBuffer(8));

/**
 * A 32-bit float from the shortest text that distinguishes it from its neighbours, which is how REST shows a vector.
 * Through a double it would be rounded twice, and one in some hundred millions would become its neighbour (7.038531e-26).
 */
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
