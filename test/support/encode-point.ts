// Encodes a plain point as Qdrant sends it over gRPC, in the layout of either version, with map entries in reverse
// order so that nobody relies on one. Integers of 2^63 and more become doubles, as Qdrant makes them.

import { LosslessNumber, parse } from 'lossless-json';
import type { PlainPoint } from './reference-digest.js';

export type WireLayout = '1.16' | '1.17';
type PlainVector = PlainPoint['vectors'][string];

export function encodePoint(point: PlainPoint, layout: WireLayout): Buffer {
  const payload = Object.entries(parse(point.payload) as object).reverse();
  const names = Object.keys(point.vectors).reverse();
  const vectors = names.map((name) => {
    const one = vector(point.vectors[name]!, layout);
    return name === '' ? field(1, one) : field(2, field(1, Buffer.concat([text(1, name), field(2, one)])));
  });
  const named = names.length > 1 ? mergeNamed(point, names, layout) : Buffer.concat(vectors);
  return Buffer.concat([
    field(1, id(point.id)),
    ...payload.map(([key, inner]) => field(2, Buffer.concat([text(1, key), field(2, value(inner))]))),
    ...(names.length > 0 ? [field(4, named)] : []),
    ...(point.shardKey === undefined ? [] : [field(5, shardKey(point.shardKey))]),
  ]);
}

function mergeNamed(point: PlainPoint, names: string[], layout: WireLayout): Buffer {
  const entries = names.map((name) =>
    field(1, Buffer.concat([text(1, name), field(2, vector(point.vectors[name]!, layout))])),
  );
  return field(2, Buffer.concat(entries));
}

function vector(it: PlainVector, layout: WireLayout): Buffer {
  return layout === '1.16' ? oldVector(it) : newVector(it);
}

function oldVector(it: PlainVector): Buffer {
  if (!Array.isArray(it)) return Buffer.concat([tagged(it.values), field(2, packedIndices(1, it.indices))]);
  if (!Array.isArray(it[0])) return tagged(it as number[]);
  return Buffer.concat([tagged((it as number[][]).flat()), varintField(3, BigInt(it.length))]);
}

function newVector(it: PlainVector): Buffer {
  if (!Array.isArray(it)) return field(102, Buffer.concat([packed(it.values), packedIndices(2, it.indices)]));
  if (!Array.isArray(it[0])) return field(101, packed(it as number[]));
  return field(103, Buffer.concat((it as number[][]).map((row) => field(1, packed(row)))));
}

function value(it: unknown): Buffer {
  if (it === null) return varintField(1, 0n);
  if (typeof it === 'boolean') return varintField(5, it ? 1n : 0n);
  if (typeof it === 'string') return text(4, it);
  if (it instanceof LosslessNumber) return number(it.value);
  if (Array.isArray(it)) return field(7, Buffer.concat(it.map((item) => field(1, value(item)))));
  const entries = Object.entries(it as object).reverse();
  return field(
    6,
    Buffer.concat(
      entries.map(([key, inner]) => field(1, Buffer.concat([text(1, key), field(2, value(inner))]))),
    ),
  );
}

function number(digits: string): Buffer {
  const isInteger = !/[.eE]/.test(digits) && BigInt(digits) < 2n ** 63n;
  if (isInteger) return varintField(3, BigInt.asUintN(64, BigInt(digits)));
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(Number(digits));
  return Buffer.concat([Buffer.from([0x11]), bytes]);
}

function id(it: string): Buffer {
  return it.includes('-') ? text(2, it) : varintField(1, BigInt(it));
}

function shardKey(it: string | { number: string }): Buffer {
  return typeof it === 'string' ? text(1, it) : varintField(2, BigInt(it.number));
}

function tagged(floats: number[]): Buffer {
  return Buffer.concat(floats.map((it) => Buffer.concat([Buffer.from([0x0d]), float(it)])));
}

function packed(floats: number[]): Buffer {
  return floats.length === 0 ? Buffer.alloc(0) : field(1, Buffer.concat(floats.map(float)));
}

function packedIndices(number: number, indices: number[]): Buffer {
  return field(number, Buffer.concat(indices.map((it) => varint(BigInt(it)))));
}

function float(it: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(it);
  return bytes;
}

function text(number: number, it: string): Buffer {
  return field(number, Buffer.from(it));
}

function field(number: number, content: Buffer): Buffer {
  return Buffer.concat([varint(BigInt(number * 8 + 2)), varint(BigInt(content.length)), content]);
}

function varintField(number: number, it: bigint): Buffer {
  return Buffer.concat([varint(BigInt(number * 8)), varint(it)]);
}

function varint(it: bigint): Buffer {
  const bytes: number[] = [];
  for (; it >= 128n; it >>= 7n) bytes.push(Number(it & 127n) | 128);
  return Buffer.from([...bytes, Number(it)]);
}
