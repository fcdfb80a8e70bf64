// The made collection: a payload of every type Qdrant knows, named dense and sparse vectors, numeric ids and UUIDs.
// The same seed makes the same points, byte for byte.

import { type SeededRandom, seededRandom } from './seeded-random.js';

export const MADE_DIMENSION = 128;
const VOCABULARY = 30_000;
const WORDS =
  'amber basalt cedar delta ember fjord gravel harbor indigo jasper kelp lagoon moss nectar'.split(' ');
const CITIES = ['Reykjavík', 'São Paulo', '札幌', 'Αθήνα', 'Łódź', 'Nairobi'];

/** Every eighth id is a UUID, every eighth a number over 2^53. */
export function* madePoints(count: number, seed = 1): Generator<string> {
  const random = seededRandom(seed);
  for (let index = 0; index < count; index++) {
    yield `{"id":${idText(index)},"vector":${vectorText(random)},"payload":${payloadText(index, random)}}`;
  }
}

function idText(index: number): string {
  if (index % 8 === 7) return `"${uuidText(index)}"`;
  if (index % 8 === 3) return String(2n ** 53n + BigInt(index));
  return String(index);
}

function uuidText(index: number): string {
  const spread = Math.imul(index, 0x9e3779b1) >>> 0;
  return `${hex(spread, 8)}-0000-4000-8000-${hex(index, 12)}`;
}

const hex = (value: number, width: number) => value.toString(16).padStart(width, '0');

/** Thousandths between -1 and 1, as text: making 6 million floats into text is otherwise most of the work. */
const FLOATS = Array.from({ length: 2_001 }, (_, i) => String((i - 1_000) / 1_000));

function vectorText(random: SeededRandom): string {
  let dense = FLOATS[random.below(2_001)]!;
  for (let i = 1; i < MADE_DIMENSION; i++) dense += `,${FLOATS[random.below(2_001)]!}`;
  const indices: number[] = [];
  const values: string[] = [];
  for (let index = random.below(2_000); index < VOCABULARY; index += 1 + random.below(5_000)) {
    indices.push(index);
    values.push(FLOATS[1_001 + random.below(1_000)]!);
  }
  return `{"meaning":[${dense}],"words":{"indices":[${indices.join(',')}],"values":[${values.join(',')}]}}`;
}

function payloadText(index: number, random: SeededRandom): string {
  const words = Array.from({ length: 12 }, () => random.pick(WORDS));
  const day = new Date(Date.UTC(2020, 0, 1) + index * 600_000).toISOString();
  const [lat, lon] = [random.below(18_000) / 100 - 90, random.below(36_000) / 100 - 180];
  const fields = [
    `"name":"${words[0]} ${words[1]} ${index}"`,
    `"serial":${9_007_199_254_740_993n + BigInt(index)}`,
    `"stock":${random.below(10_000) - 100}`,
    `"price":${random.below(100_000)}.${random.below(10)}`,
    `"ratio":1.0`,
    `"active":${random.below(2) === 1}`,
    `"discontinued":null`,
    `"made_at":"${day}"`,
    `"batch":"${uuidText(index >> 6)}"`,
    `"place":{"lat":${lat},"lon":${lon}}`,
    `"maker":{"city":"${random.pick(CITIES)}","contact":{"floor":${random.below(40)},"open":[9,17.5,null]}}`,
    `"tags":["${words[2]}","${words[3]}"]`,
    `"text":"${words.join(' ')}"`,
  ];
  return `{${fields.join(',')}}`;
}
