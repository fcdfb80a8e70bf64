// What transfer/ needs of a cluster, in its own words; qdrant/ implements it. Point data stays opaque here: a page
// knows how many points it holds, their ids, hashes and size, and a writer of the same adapter can write it.

import type { PointId } from '../model/point-id.js';
import type { ShardKey } from '../model/state/slice.js';
import type { Pin, ReadMode } from '../model/collections.js';
import type { WrittenSince } from '../model/format/written-since.js';

/** Points in order of id, complete with their hashes. */
export interface PointPage {
  readonly count: number;
  /** Encoded size of the points. */
  readonly bytes: number;
  /** Of the point at a position, in ascending order over all pages of a read. */
  idAt(position: number): PointId;
  /** The 16-byte hash of the point at a position (docs/digest.md); a view, valid as long as the page. */
  hashAt(position: number): Uint8Array;
  /** Names of what differs between two points, paths only; both points of the same id. */
  differingFields(position: number, other: PointPage, otherPosition: number): string[];
  /** True when nothing but these vectors (`reencodedVectors`) differs, by no more than float16's rounding. */
  isRenormalised(
    position: number,
    other: PointPage,
    otherPosition: number,
    vectors: ReadonlySet<string>,
  ): boolean;
  /** A page of only these positions, ascending. */
  pick(positions: readonly number[]): PointPage;
  /** Nobody reads this page, or a part picked from it, any more: its memory may be used again. Need not be called. */
  release(): void;
}

export interface ReadRange {
  collection: string;
  shardKey?: ShardKey;
  from?: PointId;
  /** Exclusive. */
  to?: PointId;
  mode: ReadMode;
  /** Only points that say so of themselves. */
  since?: WrittenSince;
  /** Aim for pages of about this many encoded bytes. */
  pageBytes: number;
  maxPoints?: number;
  signal?: AbortSignal;
}

/** Reads points of one cluster through one node. Reading is idempotent and may be retried at any cursor. */
export interface PointReader {
  pages(range: ReadRange): AsyncIterable<PointPage>;
  /** These ids only; those that do not exist are absent from the answer. Ascending. */
  byId(
    collection: string,
    shardKey: ShardKey | undefined,
    ids: readonly PointId[],
    signal?: AbortSignal,
  ): Promise<PointPage>;
}

/**
 * Called right before the last bytes of a request go out: when it throws, they never do, and the server has nothing to
 * carry out. A process that was stopped in the middle of sending calls it before it continues.
 */
export type BeforeEnd = () => void;

export interface ReadIds {
  collection: string;
  shardKey?: ShardKey;
  /** Of a list of ids: its first one. */
  from?: PointId;
  /** The first one behind it. */
  to?: PointId;
  /** Of a list of ids: only of points that say so of themselves. */
  since?: WrittenSince;
  /** The cluster's own limit on points in a request, if it has one. */
  maxPoints?: number;
  signal?: AbortSignal;
}

/** Reads ids without their points. Under writes a read may miss a living point that moves between two segments. */
export interface IdReader {
  /** In pages, ascending over all of them, each id once. */
  ids(range: ReadIds): AsyncIterable<PointId[]>;
  /** Those of them that exist, in any order. */
  existing(range: ReadIds, ids: readonly PointId[]): Promise<PointId[]>;
}

/** Writes points. Each call returns only after Qdrant answered `Completed`; upsert and delete are idempotent by id. */
export interface PointWriter {
  upsert(
    collection: string,
    shardKey: ShardKey | undefined,
    page: PointPage,
    signal?: AbortSignal,
    beforeEnd?: BeforeEnd,
  ): Promise<void>;
  delete(
    collection: string,
    shardKey: ShardKey | undefined,
    ids: readonly PointId[],
    signal?: AbortSignal,
    beforeEnd?: BeforeEnd,
  ): Promise<void>;
}

/**
 * Points as they lie in a store: each one by itself, as opaque bytes from which a page is made again. docs/backup-format.md,
 * "Stored points", says what they are.
 */
export interface PointCodec {
  encode(page: PointPage, position: number): Uint8Array;
  /** Throws `ObjectDamaged` for what is not a stored point. */
  idOf(stored: Uint8Array): PointId;
  /** With hashes of what is written with it. Throws `ObjectDamaged`. */
  decode(stored: readonly Uint8Array[], shardKey: ShardKey | undefined): Promise<PointPage>;
}

/** A separate connection to a cluster. Close it. */
export interface PointConnection extends PointReader, IdReader, PointWriter {
  close(): void;
}

/** Throws `ClusterChanged` when the alias no longer leads to what was pinned. */
export type CheckPin = (cluster: string, collection: string, pin: Pin, signal?: AbortSignal) => Promise<void>;

export interface Clusters {
  /** `lane` chooses the node, modulo their number. Throws `UnknownAlias`. */
  connect(cluster: string, lane: number): PointConnection;
}
