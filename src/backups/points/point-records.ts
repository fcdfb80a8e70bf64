// The two kinds of objects that a slice's changed points are kept in: docs/backup-format.md, "Stored points".
//
//   points   (varint(length) StoredPoint)*                                   ascending by id
//   digests  "ferry-digests" 0x01 (0x01 u64 | 0x02 UUID, 16 bytes of digest)*  of the same points, in the same order
//
// Numbers are little-endian. Memory does not depend on how many there are.

import { FerryError } from '../../model/errors.js';
import { isUuid, uuidOf, type PointId } from '../../model/point-id.js';

const MAGIC = Buffer.from('ferry-digests\x01', 'latin1');
const NUMBER = 1;
const UUID = 2;
export const DIGEST_BYTES = 16;
const LONGEST_LENGTH = 5;
/** No point of Qdrant's is longer than a request. */
const LONGEST_POINT = 2 ** 30;

export interface DigestRecord {
  id: PointId;
  digest: Uint8Array;
}

export function framePoints(points: readonly Uint8Array[]): Buffer {
  return Buffer.concat(points.flatMap((point) => [lengthOf(point.length), point]));
}

function lengthOf(length: number): Buffer {
  const bytes: number[] = [];
  let rest = length;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** The stored points of each chunk, whole. */
export async function* unframePoints(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array[]> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of content) {
    rest = Buffer.concat([rest, chunk]);
    const points: Uint8Array[] = [];
    for (let next; (next = firstFrame(rest)) !== undefined; rest = next.rest) points.push(next.point);
    if (points.length > 0) yield points;
  }
  if (rest.length > 0) throw damaged('it ends inside a point');
}

function firstFrame(bytes: Buffer): { point: Buffer; rest: Buffer } | undefined {
  let length = 0;
  for (let at = 0; at < LONGEST_LENGTH; at += 1) {
    const byte = bytes[at];
    if (byte === undefined) return undefined;
    length += (byte & 0x7f) * 2 ** (7 * at);
    if (byte >= 0x80) continue;
    if (length > LONGEST_POINT) throw damaged(`a point of ${length} bytes`);
    const end = at + 1 + length;
    return bytes.length < end ? undefined : { point: bytes.subarray(at + 1, end), rest: bytes.subarray(end) };
  }
  throw damaged('a length of more than five bytes');
}

/** What an object of digests begins with. */
export const DIGESTS_HEAD: Uint8Array = MAGIC;

export function frameDigests(records: readonly DigestRecord[]): Buffer {
  const out = Buffer.allocUnsafe(records.length * (1 + 16 + DIGEST_BYTES));
  let at = 0;
  for (const { id, digest } of records) {
    if (isUuid(id)) {
      out[at++] = UUID;
      at += out.write(id.replaceAll('-', ''), at, 16, 'hex');
    } else {
      out[at++] = NUMBER;
      at = out.writeBigUInt64LE(BigInt(id), at);
    }
    out.set(digest, at);
    at += DIGEST_BYTES;
  }
  return out.subarray(0, at);
}

export async function* unframeDigests(content: AsyncIterable<Uint8Array>): AsyncGenerator<DigestRecord[]> {
  let rest: Buffer = Buffer.alloc(0);
  let hasBegun = false;
  for await (const chunk of content) {
    rest = Buffer.concat([rest, chunk]);
    if (!hasBegun) {
      if (rest.length < MAGIC.length) continue;
      if (!rest.subarray(0, MAGIC.length).equals(MAGIC))
        throw damaged('it does not begin as digests of version 1');
      rest = rest.subarray(MAGIC.length);
      hasBegun = true;
    }
    const { records, read } = recordsIn(rest);
    rest = rest.subarray(read);
    if (records.length > 0) yield records;
  }
  if (!hasBegun || rest.length > 0) throw damaged('it ends inside a record');
}

function recordsIn(bytes: Buffer): { records: DigestRecord[]; read: number } {
  const records: DigestRecord[] = [];
  let read = 0;
  while (read < bytes.length) {
    const kind = bytes[read];
    if (kind !== NUMBER && kind !== UUID) throw damaged(`a record of the unknown kind ${kind}`);
    const idEnd = read + 1 + (kind === UUID ? 16 : 8);
    if (bytes.length < idEnd + DIGEST_BYTES) break;
    const id =
      kind === UUID
        ? uuidOf(bytes.toString('hex', read + 1, idEnd))
        : String(bytes.readBigUInt64LE(read + 1));
    records.push({ id, digest: bytes.subarray(idEnd, idEnd + DIGEST_BYTES) });
    read = idEnd + DIGEST_BYTES;
  }
  return { records, read };
}

function damaged(how: string): FerryError {
  return new FerryError('ObjectDamaged', `The points of a slice are damaged: ${how}`);
}
