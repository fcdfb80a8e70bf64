// One text for everything that means the same to Qdrant, two texts otherwise: keys sorted at every depth, integers by
// their digits, doubles and floats by their bits (Qdrant's own spelling changes: 1e18 in 1.16 is 1e+18 in 1.17).

import { isLosslessNumber } from 'lossless-json';

/** Payload: `1` and `1.0` differ, and so do 0.0 and -0.0. */
export function canonicalPayload(value: unknown): string {
  return canonical(value, (text) =>
    /^-?[1-9]\d*$|^0$/.test(text) ? text : `f64:${doubleBits(Number(text))}`,
  );
}

/** Vectors: every number is a float32, however it is spelled. */
export function canonicalVector(value: unknown): string {
  return canonical(value, (text) => floatBits(Number(text)));
}

/** A protobuf message of the generated client: fields sorted, whatever their number. */
export function canonicalMessage(value: unknown): string {
  if (typeof value === 'bigint') return `int:${value}`;
  if (typeof value === 'number') return `f64:${doubleBits(value)}`;
  if (value instanceof Uint8Array) return `bytes:${Buffer.from(value).toString('hex')}`;
  if (Array.isArray(value)) return `[${value.map(canonicalMessage).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'undefined';
  const entries = Object.entries(value).filter(([key, inner]) => key !== '$typeName' && inner !== undefined);
  return objectText(entries.map(([key, inner]) => [key, canonicalMessage(inner)]));
}

function canonical(value: unknown, numberText: (text: string) => string): string {
  if (isLosslessNumber(value)) return numberText(value.value);
  if (Array.isArray(value)) return `[${value.map((inner) => canonical(inner, numberText)).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  return objectText(Object.entries(value).map(([key, inner]) => [key, canonical(inner, numberText)]));
}

function objectText(entries: [string, string][]): string {
  const sorted = entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${sorted.map(([key, text]) => `${JSON.stringify(key)}:${text}`).join(',')}}`;
}

const eightBytes = Buffer.alloc(8);
const fourBytes = Buffer.alloc(4);

function doubleBits(value: number): string {
  eightBytes.writeDoubleBE(value);
  return eightBytes.toString('hex');
}

function floatBits(value: number): string {
  fourBytes.writeFloatBE(value);
  return fourBytes.toString('hex');
}
