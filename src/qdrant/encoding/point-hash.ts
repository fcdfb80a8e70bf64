// The 128-bit hash of one point: SHA-256 over its canonical bytes, cut to the first 16 (docs/digest.md).
//   version · id · shard key · vectors sorted by name · payload with sorted keys at every depth
// One hash call over bytes that were put in order, not one call an entry: in Node the call is what costs.

import * as crypto from 'node:crypto';
import { DIGEST_VERSION } from '../../model/format/digest.js';
import type { ShardKey } from '../../model/state/slice.js';
import { CanonicalBytes } from './canonical-bytes.js';
import { PayloadWriter, writeJsonText } from './canonical-payload.js';
import { writeVectors } from './canonical-vectors.js';
import { EntryStack } from './entry-stack.js';
import { JsonReader } from './json-reader.js';
import { readId } from './point-wire.js';
import { unknownField, WireReader } from './wire.js';

export const HASH_BYTES = 16;

export class PointHasher {
  /** After `hash`: the payload may be one that gRPC does not carry whole; read it over REST and hash again. */
  sawSuspect = false;
  /** After `hash`: a vector holds NaN or infinity. */
  sawNotNumbers = false;
  readonly #out = new CanonicalBytes();
  readonly #entries = new EntryStack();
  readonly #payload = new PayloadWriter(this.#out, this.#entries);

  /** `point` is a RetrievedPoint or PointStruct; `payloadText`, if given, is its payload as REST showed it. */
  hash(point: Uint8Array, shardKey: ShardKey | undefined, into: Uint8Array, payloadText?: Buffer): void {
    this.#write(point, shardKey, payloadText);
    // `crypto.hash` is absent from @types/node 20's oldest releases but part of Node since 20.12.
    const digits = crypto.hash('sha256', this.#out.view(), 'binary');
    for (let i = 0; i < HASH_BYTES; i++) into[i] = digits.charCodeAt(i);
  }

  /** The bytes that are hashed; for test vectors and for telling what differs. */
  canonical(point: Uint8Array, shardKey: ShardKey | undefined, payloadText?: Buffer): Uint8Array {
    this.#write(point, shardKey, payloadText);
    return new Uint8Array(this.#out.view());
  }

  #write(point: Uint8Array, shardKey: ShardKey | undefined, payloadText: Buffer | undefined): void {
    const out = this.#out;
    const mark = this.#entries.mark();
    let vectorsStart = 0;
    let vectorsEnd = 0;
    out.reset();
    out.byte(DIGEST_VERSION);
    this.#payload.reset();
    const reader = new WireReader(point);
    while (reader.next()) {
      if (reader.field === 1) writeId(out, point, reader.start, reader.end);
      else if (reader.field === 2 || reader.field === 3)
        this.#entries.pushEntry(point, reader.start, reader.end);
      else if (reader.field === 4) {
        vectorsStart = reader.start;
        vectorsEnd = reader.end;
      } else if (reader.field !== 5 && reader.field !== 6) throw unknownField('RetrievedPoint', reader);
    }
    writeShardKey(out, shardKey);
    // The payload's entries lie on the stack below those that the vectors push and release.
    const payloadTop = this.#entries.mark();
    this.sawNotNumbers = !writeVectors(out, this.#entries, point, vectorsStart, vectorsEnd);
    this.#entries.release(payloadTop);
    if (payloadText === undefined) this.#payload.writeObject(point, mark);
    this.sawSuspect =
      payloadText === undefined ? this.#payload.sawSuspect : writeJsonText(out, new JsonReader(payloadText));
    this.#entries.release(mark);
  }
}

function writeId(out: CanonicalBytes, point: Uint8Array, start: number, end: number): void {
  const reader = new WireReader(point, start, end);
  if (!reader.next()) throw unknownField('PointId', reader);
  if (reader.field === 1) {
    out.byte(0);
    return out.u64(reader.low, reader.high);
  }
  const uuid = Buffer.from(readId(point, start, end).replaceAll('-', ''), 'hex');
  out.byte(1);
  out.raw(uuid, 0, 16);
}

function writeShardKey(out: CanonicalBytes, key: ShardKey | undefined): void {
  if (key === undefined) return out.byte(0);
  if ('keyword' in key) {
    const bytes = Buffer.from(key.keyword);
    out.byte(1);
    return out.string(bytes, 0, bytes.length);
  }
  const number = BigInt(key.number);
  out.byte(2);
  out.u64(Number(number & 0xffffffffn), Number(number >> 32n));
}
