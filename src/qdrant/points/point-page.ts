// A page of points as they came over the wire, each with its hash. Implements transfer's `PointPage`; the writer of
// this room knows it by its class and writes its bytes without decoding them.

import type { PointId } from '../../model/point-id.js';
import type { ShardKey } from '../../model/state/slice.js';
import type { PointPage } from '../../cluster/points-port.js';
import { HASH_BYTES, PointHasher } from '../encoding/point-hash.js';
import { differingFields, isRenormalised } from '../encoding/point-difference.js';
import { pointId } from '../encoding/point-wire.js';

/** A point as gRPC encodes it, and its payload as REST showed it where gRPC did not show it, or not exactly. */
export interface WirePoint {
  bytes: Uint8Array;
  payloadText?: Buffer;
  /** A vector holds NaN or infinity. */
  notNumbers?: true;
}

export class WirePage implements PointPage {
  points: readonly WirePoint[];
  readonly bytes: number;
  readonly #hashes: Uint8Array;
  #giveBack: (() => void) | undefined;

  /** `giveBack` is called once, when nobody reads the points' bytes any more. */
  constructor(points: readonly WirePoint[], hashes: Uint8Array, giveBack?: () => void) {
    this.points = points;
    this.#hashes = hashes;
    this.#giveBack = giveBack;
    this.bytes = points.reduce(
      (sum, point) => sum + point.bytes.length + (point.payloadText?.length ?? 0),
      0,
    );
  }

  get count(): number {
    return this.points.length;
  }

  idAt(position: number): PointId {
    return pointId(this.#at(position).bytes);
  }

  hashAt(position: number): Uint8Array {
    return this.#hashes.subarray(position * HASH_BYTES, (position + 1) * HASH_BYTES);
  }

  differingFields(position: number, other: PointPage, otherPosition: number): string[] {
    return differingFields(this.#at(position), asWirePage(other).#at(otherPosition));
  }

  isRenormalised(
    position: number,
    other: PointPage,
    otherPosition: number,
    vectors: ReadonlySet<string>,
  ): boolean {
    return isRenormalised(this.#at(position), asWirePage(other).#at(otherPosition), vectors);
  }

  pick(positions: readonly number[]): WirePage {
    const hashes = new Uint8Array(positions.length * HASH_BYTES);
    positions.forEach((position, i) => hashes.set(this.hashAt(position), i * HASH_BYTES));
    return new WirePage(
      positions.map((position) => this.#at(position)),
      hashes,
    );
  }

  release(): void {
    this.points = []; // whoever reads on meets an error, not the bytes of another page
    this.#giveBack?.();
    this.#giveBack = undefined;
  }

  #at(position: number): WirePoint {
    const point = this.points[position];
    if (point === undefined)
      throw new RangeError(`no point at position ${position} of a page of ${this.count}`);
    return point;
  }
}

export function asWirePage(page: PointPage): WirePage {
  if (page instanceof WirePage) return page;
  throw new TypeError('a page of another adapter');
}

const hasher = new PointHasher();

/**
 * Hashes the points of one read. `exactly` is asked for the payloads (by id) of those whose payload may have lost an
 * integer of 2^63 or more on the way over gRPC; a point deleted meanwhile is absent from its answer and keeps what it has.
 */
export async function hashedPage(
  read: readonly WirePoint[],
  shardKey: ShardKey | undefined,
  exactly?: (ids: PointId[]) => Promise<Map<PointId, Buffer>>,
  giveBack?: () => void,
): Promise<WirePage> {
  const points = [...read];
  const hashes = new Uint8Array(points.length * HASH_BYTES);
  const suspects: number[] = [];
  points.forEach(({ bytes, payloadText }, i) => {
    hasher.hash(bytes, shardKey, hashOf(hashes, i), payloadText);
    if (hasher.sawSuspect) suspects.push(i);
    if (hasher.sawNotNumbers) points[i] = { ...(points[i] as WirePoint), notNumbers: true };
  });
  if (suspects.length > 0 && exactly !== undefined) {
    const payloads = await exactly(suspects.map((i) => pointId((points[i] as WirePoint).bytes)));
    for (const i of suspects) {
      const point = points[i] as WirePoint;
      const { bytes } = point;
      const payloadText = payloads.get(pointId(bytes));
      if (payloadText === undefined) continue;
      points[i] = { ...point, payloadText };
      hasher.hash(bytes, shardKey, hashOf(hashes, i), payloadText);
    }
  }
  return new WirePage(points, hashes, giveBack);
}

function hashOf(hashes: Uint8Array, position: number): Uint8Array {
  return hashes.subarray(position * HASH_BYTES, (position + 1) * HASH_BYTES);
}
