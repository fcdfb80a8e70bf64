// Fingerprints of every point, read over gRPC with Qdrant's own client and its full schema. Integers from 2^63 up
// arrive as doubles here, on both sides alike: only REST can judge those.

import { QdrantClient } from '@qdrant/js-client-grpc';
import { canonicalMessage } from './canonical.js';
import { addPrint, hash, type PointPrint, type PointPrints } from './point-prints.js';

const PAGE = 500;

const pointsOf = (grpcUrl: string) =>
  new QdrantClient({ url: grpcUrl, checkCompatibility: false, compression: false }).api('points');
type Points = ReturnType<typeof pointsOf>;
type Page = Awaited<ReturnType<Points['scroll']>>;
type GrpcPoint = Page['result'][number];

export async function printsOverGrpc(
  grpcUrl: string,
  name: string,
  keys: readonly (string | undefined)[],
): Promise<PointPrints> {
  const prints: PointPrints = new Map();
  const points = pointsOf(grpcUrl);
  for (const key of keys) {
    for await (const point of grpcPoints(points, name, key)) addPrint(prints, printOf(point, key));
  }
  return prints;
}

async function* grpcPoints(points: Points, name: string, key: string | undefined): AsyncGenerator<GrpcPoint> {
  const everything = { selectorOptions: { case: 'enable', value: true } } as const;
  const within = key === undefined ? {} : { shardKeySelector: { shardKeys: [shardKey(key)] } };
  let offset: Page['nextPageOffset'];
  do {
    const from = offset === undefined ? within : { ...within, offset };
    const query = {
      collectionName: name,
      limit: PAGE,
      withPayload: everything,
      withVectors: everything,
      ...from,
    };
    const page: Page = await points.scroll(query);
    yield* page.result;
    offset = page.nextPageOffset;
  } while (offset !== undefined);
}

/** From JSON text. */
function shardKey(text: string) {
  const key = text.startsWith('"')
    ? { case: 'keyword' as const, value: JSON.parse(text) as string }
    : { case: 'number' as const, value: BigInt(text) };
  return { key };
}

function printOf(point: GrpcPoint, key: string | undefined): PointPrint {
  const options = point.vectors?.vectorsOptions;
  const named =
    options?.case === 'vectors' ? options.value.vectors : options?.case ? { '': options.value } : {};
  const vectors = Object.entries(named).map(([name, vector]) => [
    name,
    hash(canonicalMessage(rowsOf(vector))),
  ]);
  return {
    id: String(point.id?.pointIdOptions.value),
    ...(key === undefined ? {} : { shardKey: key }),
    payload: hash(canonicalMessage(point.payload)),
    vectors: Object.fromEntries(vectors) as Record<string, string>,
  };
}

interface GrpcVector {
  data: number[];
  indices?: { data: number[] };
  vectorsCount?: number;
  vector: { case?: string | undefined; value?: unknown };
}

/** 1.16 answers in the flat form that 1.17 gave up: one form for both. */
function rowsOf({ data, indices, vectorsCount, vector }: GrpcVector): unknown {
  if (vector.case === 'multiDense')
    return { rows: (vector.value as { vectors: { data: number[] }[] }).vectors.map(plain) };
  if (vector.case === 'sparse') {
    const { indices: sparse, values } = vector.value as { indices: number[]; values: number[] };
    return { indices: [...sparse], values: [...values] };
  }
  if (vector.case === 'dense') return { rows: [plain(vector.value as { data: number[] })] };
  if (indices !== undefined) return { indices: [...indices.data], values: [...data] };
  const width = data.length / (vectorsCount ?? 1);
  return {
    rows: Array.from({ length: vectorsCount ?? 1 }, (_, i) => data.slice(i * width, (i + 1) * width)),
  };
}

const plain = (row: { data: number[] }) => [...row.data];
