// A collection whose vectors hold NaN and infinity, which only gRPC lets in, and what each distance makes of them.

import { connectGrpc } from '../../src/qdrant/points/grpc.js';
import { asPointStruct } from '../../src/qdrant/encoding/point-wire.js';
import { encodePoint } from './encode-point.js';
import { recreateCollection, type RestSide } from './rest-text.js';

export const NOT_NUMBERS = 'not-numbers';

const [NAN, INF] = [Number.NaN, Number.POSITIVE_INFINITY];

/** By id. Of `angle` (Cosine) Qdrant keeps NaN in every place after NaN, and zeros beside NaN after infinity. */
const VECTORS: Record<string, number[]> = {
  '1': [0.5, 0.5, 0.5, 0.5],
  '2': [NAN, 1, 1, 1],
  '3': [INF, 1, -1, 1],
  '4': [1, -INF, INF, -1],
  '5': [NAN, INF, 0, -0],
  '6': [3e38, 3e38, -3e38, 3e38],
  '7': [0, 0, 0, 0],
  '8': [1e-40, 0, 0, 0],
};

const CONFIGURATION = `{"vectors":{
  "angle": {"size":4,"distance":"Cosine"},
  "half": {"size":4,"distance":"Cosine","datatype":"float16"},
  "rows": {"size":4,"distance":"Cosine","multivector_config":{"comparator":"max_sim"}},
  "flat": {"size":4,"distance":"Dot"}
}}`;

export async function createNotNumbers(side: RestSide): Promise<void> {
  await recreateCollection(side, NOT_NUMBERS, CONFIGURATION);
}

/** Returns the number of points. */
export async function fillNotNumbers(side: RestSide & { grpcUrl: string }): Promise<number> {
  await createNotNumbers(side);
  const points = Object.entries(VECTORS).map(([id, floats]) => {
    const point = {
      id,
      vectors: { angle: floats, half: floats, rows: [[1, 0, 0, 0], floats], flat: floats },
      payload: `{"n":${id}}`,
    };
    return asPointStruct(encodePoint(point, '1.17'));
  });
  const nodes = [{ url: side.url, grpcUrl: side.grpcUrl }];
  const grpc = connectGrpc({ alias: 'side', nodes }, 0, { readMaxBytes: 1 << 20 });
  try {
    const call = { timeoutMs: 10_000, signal: new AbortController().signal };
    await grpc.points.upsert({ collectionName: NOT_NUMBERS, points }, call);
  } finally {
    grpc.close();
  }
  return points.length;
}
