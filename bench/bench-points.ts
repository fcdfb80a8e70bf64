// The measured data: 768 random floats of length 1 and a payload of ten fields in about 300 bytes, like a catalogue of
// documents. Made as Qdrant's PointStruct in gRPC's encoding; the same count makes the same points.

import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { seededRandom, type SeededRandom } from '../demo/seeded-random.js';

export const DIMENSION = 768;

const WORDS =
  'vector search engine payload index shard replica segment filter query recall latency quantization'.split(
    ' ',
  );
const LANGUAGES = ['en', 'de', 'fr', 'ja', 'pt'];

/** A vector of `DIMENSION` floats as their bytes. */
export type VectorMaker = (random: SeededRandom) => Uint8Array;

export function* benchPoints(count: number, vector: VectorMaker = randomVector): Generator<Uint8Array> {
  const random = seededRandom(768);
  for (let id = 0; id < count; id++) {
    const point = new BinaryWriter();
    message(point, 1, (it) => it.uint32(tag(1, 0)).uint64(id));
    for (const [key, value] of Object.entries(payload(id, random))) {
      message(point, 3, (it) => {
        it.uint32(tag(1, 2)).string(key);
        message(it, 2, (inner) => writeValue(inner, value));
      });
    }
    message(point, 4, (vectors) =>
      message(vectors, 1, (it) => message(it, 101, (dense) => dense.uint32(tag(1, 2)).bytes(vector(random)))),
    );
    yield point.finish();
  }
}

type Value = string | number | boolean | bigint | string[];

function payload(id: number, random: SeededRandom): Record<string, Value> {
  const words = (count: number) => Array.from({ length: count }, () => random.pick(WORDS)).join(' ');
  return {
    title: `${words(4)} ${id}`,
    url: `https://example.org/documents/${id % 97}/${id}`,
    summary: words(9),
    language: random.pick(LANGUAGES),
    section: BigInt(random.below(64)),
    tokens: BigInt(100 + random.below(900)),
    score: random.next(),
    published: random.below(2) === 1,
    published_at: new Date(1_600_000_000_000 + id * 600_000).toISOString(),
    tags: [random.pick(WORDS), random.pick(WORDS)],
  };
}

function randomVector(random: SeededRandom): Uint8Array {
  const floats = new Float32Array(DIMENSION);
  for (let i = 0; i < DIMENSION; i++) floats[i] = random.next() - 0.5;
  return unitBytes(floats);
}

/** Of the same direction, and of length 1. */
export function unitBytes(floats: Float32Array): Uint8Array {
  let square = 0;
  for (let i = 0; i < DIMENSION; i++) square += floats[i]! * floats[i]!;
  const length = Math.sqrt(square);
  for (let i = 0; i < DIMENSION; i++) floats[i]! /= length;
  return new Uint8Array(floats.buffer);
}

function writeValue(writer: BinaryWriter, value: Value): void {
  if (typeof value === 'string') writer.uint32(tag(4, 2)).string(value);
  else if (typeof value === 'number') writer.uint32(tag(2, 1)).double(value);
  else if (typeof value === 'bigint') writer.uint32(tag(3, 0)).int64(value);
  else if (typeof value === 'boolean') writer.uint32(tag(5, 0)).bool(value);
  else
    message(writer, 7, (list) =>
      value.forEach((item) => message(list, 1, (inner) => writeValue(inner, item))),
    );
}

function message(writer: BinaryWriter, field: number, write: (writer: BinaryWriter) => void): void {
  writer.uint32(tag(field, 2)).fork();
  write(writer);
  writer.join();
}

function tag(field: number, wireType: number): number {
  return (field << 3) | wireType;
}
