// Doubles as text that Qdrant reads back to the same 64 bits. Its JSON parser (serde_json without `float_roundtrip`)
// multiplies or divides the digits by a power of ten, so it rounds twice: of the doubles between 0 and 1 one in nine
// becomes its neighbour. It stores a payload as JSON too, so what a write brings is read once more, whatever wire it came
// over (measured on 1.16.3 and 1.17.0). Here its arithmetic is repeated, and where a text would go wrong another one is
// searched:
//
//   1. the shortest text; most are read right
//   2. else digits × 10^exponent with 16 to 20 digits, nearest first: one that an exact parser reads right too, or else
//      one that Qdrant does
//   3. none found: the shortest, whose neighbour the proof then finds and names

import { partsOf } from './float-text.js';
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
