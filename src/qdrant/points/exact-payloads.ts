// Payloads as REST's text, for integers of 2^63 and more: over gRPC Qdrant turns them into doubles, over REST it does not
// (measured on 1.16.3 and 1.17.0). Read here in whole pages; they are hashed and written from that text.

import type { PointId } from '../../model/point-id.js';
import type { ShardKey } from '../../model/state/slice.js';
import { numbersIn } from '../encoding/json-reader.js';
import { idText, pointsPath, shardKeyField } from './point-text.js';
import type { RestNode } from '../rest.js';
import { readTextAnswer } from './text-points.js';
import { pointId } from '../encoding/point-wire.js';

/**
 * Payloads by id; ids that do not exist are absent. Asks every node that the configuration names and keeps the answer
 * with most integers of 2^63 and more: between its nodes Qdrant speaks gRPC, so a node that does not hold the shard
 * answers with doubles, over REST too (measured on 1.17.0). A node that cannot be reached is passed over as long as
 * another answers.
 */
export async function readPayloads(
  nodes: readonly RestNode[],
  collection: string,
  shardKey: ShardKey | undefined,
  ids: readonly PointId[],
  signal?: AbortSignal,
): Promise<Map<PointId, Buffer>> {
  const body = `{"ids":[${ids.map(idText).join()}],"with_payload":true,"with_vector":false${shardKeyField(shardKey)}}`;
  const read = (node: RestNode) => node.bytes('POST', pointsPath(collection), { body, signal });
  const answers = await Promise.allSettled(nodes.map(read));
  const failed = answers.find((answer) => answer.status === 'rejected');
  if (failed !== undefined && answers.every((answer) => answer.status === 'rejected')) throw failed.reason;
  const given = answers.flatMap((answer) =>
    answer.status === 'fulfilled' ? [payloadsIn(answer.value)] : [],
  );
  const [first = new Map<PointId, Buffer>(), ...others] = given;
  for (const payloads of others) {
    for (const [id, payload] of payloads) {
      const known = first.get(id);
      if (known === undefined || wideIntegers(payload) > wideIntegers(known)) first.set(id, payload);
    }
  }
  return first;
}

function payloadsIn(answer: Buffer): Map<PointId, Buffer> {
  const { points } = readTextAnswer(answer);
  return new Map(points.map(({ bytes, payloadText }) => [pointId(bytes), payloadText as Buffer]));
}

/** How many integers of 2^63 and more a payload holds, at any depth. */
function wideIntegers(payload: Buffer): number {
  let count = 0;
  for (const { start, end } of numbersIn(payload)) {
    if (end - start < 19 || end - start > 20) continue;
    const digits = payload.toString('latin1', start, end);
    if (/^\d+$/.test(digits) && BigInt(digits) >= 2n ** 63n) count += 1;
  }
  return count;
}
