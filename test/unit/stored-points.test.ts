// What a backup by points is made of, byte by byte: points and digests in objects, and a stream that is passed through in
// step with ids. Cut or changed anywhere, they are damaged; never fewer points without a word.

import { describe, expect, it } from 'vitest';
import { Ascending, seek } from '../../src/backups/points/ascending.js';
import {
  DIGESTS_HEAD,
  frameDigests,
  framePoints,
  unframeDigests,
  unframePoints,
} from '../../src/backups/points/point-records.js';
import { lengthDelimited, varint } from '../../src/qdrant/encoding/wire.js';
import { pointCodec } from '../../src/qdrant/points/stored-points.js';

const cut = (bytes: Uint8Array, size: number): Uint8Array[] =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));

async function* from<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}

async function all<T>(pages: AsyncIterable<readonly T[]>): Promise<T[]> {
  const found: T[] = [];
  for await (const page of pages) found.push(...page);
  return found;
}

/** `{"n": 7}` under a numeric id, or text beside it. */
function storedPoint(id: bigint, payloadText?: string): Buffer {
  const number = Buffer.concat([Buffer.from([0x08]), varint(id)]);
  const value = Buffer.concat([Buffer.from([0x18]), varint(7n)]);
  const entry = Buffer.concat([lengthDelimited(1, Buffer.from('n')), lengthDelimited(2, value)]);
  const payload = payloadText === undefined ? lengthDelimited(3, entry) : Buffer.alloc(0);
  const point = lengthDelimited(1, Buffer.concat([lengthDelimited(1, number), payload]));
  if (payloadText === undefined) return point;
  return Buffer.concat([point, lengthDelimited(2, Buffer.from(payloadText))]);
}

describe('stored points', () => {
  const points = [storedPoint(1n), storedPoint(300n, '{"n":7}'), storedPoint(2n ** 64n - 1n)];
  const content = framePoints(points);

  it.each([1, 3, 7, 4_096])('come back from pieces of %i bytes', async (size) => {
    expect(await all(unframePoints(from(cut(content, size))))).toEqual(points);
  });

  it('are damaged where they end inside a point, wherever that is', async () => {
    const ends = new Set([0, ...points.map((_, i) => framePoints(points.slice(0, i + 1)).length)]);
    for (let length = 1; length < content.length; length += 1) {
      if (ends.has(length)) continue;
      const reading = all(unframePoints(from([content.subarray(0, length)])));
      await expect(reading).rejects.toMatchObject({ code: 'ObjectDamaged' });
    }
  });

  it('become a page with their ids, and the same again', async () => {
    const page = await pointCodec.decode(points, undefined);
    expect([0, 1, 2].map((at) => page.idAt(at))).toEqual(['1', '300', '18446744073709551615']);
    expect([0, 1, 2].map((at) => Buffer.from(pointCodec.encode(page, at)))).toEqual(points);
    expect(points.map((point) => pointCodec.idOf(point))).toEqual(['1', '300', '18446744073709551615']);
  });

  it('have the same hash with their payload as protobuf and as text, and another with another one', async () => {
    const same = [storedPoint(1n), storedPoint(1n, '{"n": 7}'), storedPoint(1n, '{"n":8}')];
    const page = await pointCodec.decode(same, undefined);
    expect(page.hashAt(1)).toEqual(page.hashAt(0));
    expect(page.hashAt(2)).not.toEqual(page.hashAt(0));
  });

  it('are refused where a byte is not what was written', async () => {
    for (const broken of [Buffer.from([0x0a]), Buffer.from([0x1a, 0x00]), Buffer.from('not a point')]) {
      await expect(pointCodec.decode([broken], undefined)).rejects.toMatchObject({ code: 'ObjectDamaged' });
    }
  });
});

describe('stored digests', () => {
  const records = ['5', '18446744073709551615', '00000000-0000-4000-8000-0000000000ff'].map((id, i) => ({
    id,
    digest: Buffer.alloc(16, i + 1),
  }));
  const content = Buffer.concat([DIGESTS_HEAD, frameDigests(records)]);

  it.each([1, 5, 4_096])('come back from pieces of %i bytes', async (size) => {
    expect(await all(unframeDigests(from(cut(content, size))))).toEqual(records);
  });

  it('are damaged where they are cut, empty, or of another version', async () => {
    const lengths = [0, 4, DIGESTS_HEAD.length + 3, content.length - 1];
    const other = Buffer.from(content);
    other[DIGESTS_HEAD.length - 1] = 2;
    for (const broken of [...lengths.map((length) => content.subarray(0, length)), other]) {
      await expect(all(unframeDigests(from([broken])))).rejects.toMatchObject({ code: 'ObjectDamaged' });
    }
  });
});

describe('a stream in step with ids', () => {
  const stream = (...pages: string[][]) => new Ascending(from(pages), (id) => id);

  it('gives what is there, over the ends of pages, and counts it', async () => {
    const ids = stream(['1', '3'], [], ['5', '10']);
    const found = [];
    for (const id of ['1', '2', '5', '9', '10', '11']) found.push(await seek(ids, id));
    expect(found).toEqual(['1', undefined, '5', undefined, '10', undefined]);
    expect(ids.matched).toBe(3);
  });

  it('refuses what is out of order, for it would pass over what stands behind', async () => {
    const ids = stream(['1', '5', '3']);
    await expect(seek(ids, '9')).rejects.toMatchObject({ code: 'ObjectDamaged' });
  });
});
