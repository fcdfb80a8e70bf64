// The real sample: 4,000 Debian packages with the embeddings of their summaries (examples/debian-packages).

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { packageRoot } from '../src/local/package-root.js';

const FOLDER = join(packageRoot(), 'examples/debian-packages');
const DIMENSION = 384;

export interface SampleQuery {
  text: string;
  vector: number[];
}

/** The points as JSON text; an id is the position in the file. */
export async function samplePoints(): Promise<string[]> {
  const payloads = gunzipSync(await readFile(join(FOLDER, 'debian-packages.jsonl.gz')))
    .toString('utf8')
    .trimEnd()
    .split('\n');
  const floats = await readFile(join(FOLDER, 'debian-packages.f16'));
  return payloads.map(
    (payload, row) => `{"id":${row},"vector":[${rowText(floats, row)}],"payload":${payload}}`,
  );
}

export async function sampleQueries(): Promise<SampleQuery[]> {
  return JSON.parse(await readFile(join(FOLDER, 'queries.json'), 'utf8')) as SampleQuery[];
}

function rowText(floats: Buffer, row: number): string {
  const start = row * DIMENSION * 2;
  return Array.from({ length: DIMENSION }, (_, i) => halfText(floats.readUInt16LE(start + i * 2))).join(',');
}

const known = new Map<number, string>();

function halfText(bits: number): string {
  let text = known.get(bits);
  if (text === undefined) known.set(bits, (text = String(fromHalf(bits))));
  return text;
}

/** IEEE 754 binary16: sign, 5 bits of exponent, 10 of fraction. No infinities in the sample. */
function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
