// The objects of one slice, written side by side while its points are read: all ids, and of what changed the points and
// their digests; then the document that names them. Without that document they are left over from an attempt.

import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { sliceKey, sliceName } from '../../model/format/backup-names.js';
import { type ManifestSlice, type SliceDocument } from '../../model/format/slices.js';
import { MANIFEST_VERSION } from '../../model/format/fields.js';
import { documentText } from '../../model/format/document-text.js';
import type { PointId } from '../../model/point-id.js';
import type { ShardKey } from '../../model/state/slice.js';
import type { ObjectStore } from '../../storage/object-store.js';
import { IdSetEncoder } from '../ids/write-id-set.js';
import { DIGESTS_HEAD, frameDigests, framePoints, type DigestRecord } from './point-records.js';
import { ObjectWriter } from './stored-stream.js';

const compress = promisify(gzip);
const MEMBER_BYTES = 1 << 20;

export interface SlicePlace {
  cluster: string;
  backup: string;
  collection: string;
  position: number;
  shardKey?: ShardKey | undefined;
  /** Of what changed only the digests are stored. */
  digestsOnly?: boolean | undefined;
}

export interface ChangedPoint extends DigestRecord {
  stored: Uint8Array;
}

export class SliceWriter {
  readonly name: string;
  /** Of points, in the store. */
  changed = 0;
  readonly #store: ObjectStore;
  readonly #place: SlicePlace;
  readonly #signal: AbortSignal;
  readonly #encoder = new IdSetEncoder();
  readonly #ids: ObjectWriter;
  /** Begun with the first point that changed. */
  #points: ObjectWriter | undefined;
  #digests: ObjectWriter | undefined;

  constructor(store: ObjectStore, place: SlicePlace, signal: AbortSignal) {
    this.#store = store;
    this.#place = place;
    this.#signal = signal;
    this.name = sliceName(place.position, randomBytes(4).toString('hex'));
    this.#ids = this.#open('ids.gz');
    this.#encoder.beginKey(place.shardKey);
  }

  async addIds(ids: readonly PointId[]): Promise<void> {
    for (const id of ids) this.#encoder.add(id);
    if (this.#encoder.pending >= MEMBER_BYTES) await this.#ids.write(await compress(this.#encoder.take()));
  }

  async addChanged(points: readonly ChangedPoint[]): Promise<void> {
    if (points.length === 0) return;
    const { digestsOnly = false } = this.#place;
    if (!digestsOnly) this.#points ??= this.#open('points');
    if (this.#digests === undefined) {
      this.#digests = this.#open('digests');
      await this.#digests.write(DIGESTS_HEAD);
    }
    this.changed += points.length;
    await this.#points?.write(framePoints(points.map(({ stored }) => stored)));
    await this.#digests.write(frameDigests(points));
  }

  async end(
    facts: Pick<ManifestSlice, 'from' | 'to' | 'digest' | 'deleted' | 'unstamped'>,
  ): Promise<ManifestSlice> {
    this.#encoder.endKey();
    this.#encoder.endSet();
    await this.#ids.write(await compress(this.#encoder.take()));
    const { shardKey } = this.#place;
    const slice: ManifestSlice = {
      ...(shardKey === undefined ? {} : { shardKey }),
      ...facts,
      ids: { ...(await this.#ids.end()), count: this.#encoder.total },
      changed: this.changed,
      ...(this.#points === undefined ? {} : { points: await this.#points.end() }),
      ...(this.#digests === undefined ? {} : { digests: await this.#digests.end() }),
    };
    await this.#writeDocument(slice);
    return slice;
  }

  async abort(): Promise<void> {
    await Promise.all([this.#ids.abort(), this.#points?.abort(), this.#digests?.abort()]);
  }

  async #writeDocument(slice: ManifestSlice): Promise<void> {
    const { cluster, backup, collection } = this.#place;
    const document: SliceDocument = {
      format: 'qdrant-ferry/slice',
      version: MANIFEST_VERSION,
      ...{ backup, cluster, collection, slice },
    };
    const key = sliceKey(cluster, backup, collection, this.name, 'json');
    const text = documentText(document);
    await this.#store.put(key, Buffer.from(text), { ifAbsent: true, contentType: 'application/json' });
  }

  #open(what: 'ids.gz' | 'points' | 'digests'): ObjectWriter {
    const { cluster, backup, collection } = this.#place;
    const key = sliceKey(cluster, backup, collection, this.name, what);
    return new ObjectWriter(this.#store, key, this.#signal);
  }
}
