// docs/digest.md, written down a second time and as plainly as possible, from JSON text instead of protobuf bytes.
// Shares nothing with src/: the tests hold the two against each other.

import { createHash } from 'node:crypto';
import { LosslessNumber, parse } from 'lossless-json';

export interface PlainPoint {
  /** Decimal digits or a UUID. */
  id: string;
  shardKey?: string | { number: string };
  /** By name, "" for the unnamed one: numbers, rows of numbers, or `{indices, values}`. */
  vectors: Record<string, number[] | number[][] | { indices: number[]; values: number[] }>;
  /** JSON text. */
  payload: string;
}

export function referenceCanonical(point: PlainPoint): Buffer {
  const names = Object.keys(point.vectors).sort(byBytes);
  const vectors = names.map((name) => Buffer.concat([text(name), vector(point.vectors[name]!)]));
  const payload = value(parse(point.payload));
  return Buffer.concat([
    Buffer.from([1]),
    id(point.id),
    key(point.shardKey),
    u32(names.length),
    ...vectors,
    payload,
  ]);
}

export function referenceHash(point: PlainPoint): string {
  return createHash('sha256').update(referenceCanonical(point)).digest('hex').slice(0, 32);
}

function id(it: string): Buffer {
  if (!it.includes('-')) return Buffer.concat([Buffer.from([0]), u64(BigInt(it))]);
  return Buffer.concat([Buffer.from([1]), Buffer.from(it.replaceAll('-', ''), 'hex')]);
}

function key(it: PlainPoint['shardKey']): Buffer {
  if (it === undefined) return Buffer.from([0]);
  if (typeof it === 'string') return Buffer.concat([Buffer.from([1]), text(it)]);
  return Buffer.concat([Buffer.from([2]), u64(BigInt(it.number))]);
}

function vector(it: number[] | number[][] | { indices: number[]; values: number[] }): Buffer {
  if (!Array.isArray(it)) {
    const pairs = it.indices.map((index, i) => [index, it.values[i]!] as const).sort((a, b) => a[0] - b[0]);
    const entries = pairs.map(([index, weight]) => Buffer.concat([u32(index), floats([weight])]));
    return Buffer.concat([Buffer.from([2]), u32(pairs.length), ...entries]);
  }
  if (Array.isArray(it[0])) {
    const rows = (it as number[][]).map((row) => Buffer.concat([u32(row.length), floats(row)]));
    return Buffer.concat([Buffer.from([3]), u32(rows.length), ...rows]);
  }
  return Buffer.concat([Buffer.from([1]), u32(it.length), floats(it as number[])]);
}

function value(it: unknown): Buffer {
  if (it === null) return Buffer.from([0]);
  if (it === false) return Buffer.from([1]);
  if (it === true) return Buffer.from([2]);
  if (typeof it === 'string') return Buffer.concat([Buffer.from([5]), text(it)]);
  if (it instanceof LosslessNumber) return number(it.value);
  if (Array.isArray(it)) return Buffer.concat([Buffer.from([6]), u32(it.length), ...it.map(value)]);
  const object = it as Record<string, unknown>;
  const keys = Object.keys(object).sort(byBytes);
  return Buffer.concat([
    Buffer.from([7]),
    u32(keys.length),
    ...keys.flatMap((k) => [text(k), value(object[k])]),
  ]);
}

function number(digits: string): Buffer {
  if (/[.eE]/.test(digits)) {
    const double = Buffer.alloc(9, 4);
    double.writeDoubleLE(Number(digits), 1);
    return double;
  }
  const integer = BigInt(digits);
  return Buffer.concat([Buffer.from([integer >= 2n ** 63n ? 8 : 3]), u64(BigInt.asUintN(64, integer))]);
}

function floats(numbers: number[]): Buffer {
  const bytes = Buffer.alloc(numbers.length * 4);
  numbers.forEach((it, i) => bytes.writeFloatLE(it, i * 4));
  return bytes;
}

function text(it: string): Buffer {
  return Buffer.concat([u32(Buffer.byteLength(it)), Buffer.from(it)]);
}

function u32(it: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(it);
  return bytes;
}

function u64(it: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(it);
  return bytes;
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
