// Qdrant's REST interface in the types of its OpenAPI, which @qdrant/js-client-rest brings: a body with a field that
// Qdrant does not have, or a read of one, does not compile. Here as lossless-json reads and writes them. Why not every
// call goes through that client: docs/decisions/0001-rest-by-text.md.

import { isLosslessNumber, type LosslessNumber } from 'lossless-json';
import type { QdrantClient, Schemas } from '@qdrant/js-client-rest';
import type { ShardKey } from '../model/state/slice.js';

/** Numbers with their digits; any field may be absent, for a node may be older or newer than the schema. */
type Lossless<T> = T extends number
  ? LosslessNumber
  : T extends readonly (infer Item)[]
    ? Lossless<Item>[]
    : T extends object
      ? { [K in keyof T]?: Lossless<T[K]> | null }
      : T;

/** An answer or a body, by its name in the OpenAPI. */
export type Rest<Name extends keyof Schemas> = Lossless<Schemas[Name]>;

/** The generated calls of the official client. */
export type OfficialApi = ReturnType<QdrantClient['api']>;

export function toNumber(value: unknown): number | undefined {
  return isLosslessNumber(value) ? Number(value.value) : undefined;
}

/** A string, or a number's digits. */
export function toText(value: unknown): string | undefined {
  if (isLosslessNumber(value)) return value.value;
  return typeof value === 'string' ? value : undefined;
}

export function toShardKey(value: unknown): ShardKey | undefined {
  if (typeof value === 'string') return { keyword: value };
  return isLosslessNumber(value) ? { number: value.value } : undefined;
}

/** An empty list where there is none. */
export function toList<T>(value: readonly T[] | null | undefined): readonly T[] {
  return Array.isArray(value) ? value : [];
}
