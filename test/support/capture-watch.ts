// What is needed to kill something in the middle of a capture, and to know what stays on the node.

import { defaultPayloadConverter } from '@temporalio/common';
import { parse } from 'lossless-json';
import { objectAt, textAt, type Json } from '../../src/model/json.js';
import { list } from '../../src/qdrant/control-layout.js';
import { pause } from './kill-watch.js';
import { collectionPath, rest, type RestSide } from './rest-text.js';
import type { TestStack } from './test-stack.js';
import { withClient } from './workflows-of.js';

/** Resolves with the bytes that the running captures claim, once they claim any; with 0 when `ended` comes first. */
export async function captureBeats(
  stack: Pick<TestStack, 'temporal'>,
  workflowId: string,
  ended: Promise<unknown>,
): Promise<number> {
  let over = false;
  void ended.then(() => (over = true));
  return withClient(stack.temporal, async (client) => {
    while (!over) {
      const claimed = await claimedBytes(client, workflowId);
      if (claimed > 0) return claimed;
      await pause(100);
    }
    return 0;
  });
}

async function claimedBytes(
  client: Parameters<Parameters<typeof withClient>[1]>[0],
  workflowId: string,
): Promise<number> {
  try {
    const { raw } = await client.workflow.getHandle(workflowId).describe();
    const beats = (raw.pendingActivities ?? []).flatMap((activity) => {
      const payload = activity.heartbeatDetails?.payloads?.[0];
      return payload ? [defaultPayloadConverter.fromPayload<{ state?: { bytes?: number } }>(payload)] : [];
    });
    return beats.reduce((sum, beat) => sum + (beat.state?.bytes ?? 0), 0);
  } catch {
    return 0; // not started yet
  }
}

/** Names of the files that a node keeps: of a collection's first shard, or of the whole storage. */
export async function storedOnNode(side: RestSide, collection?: string): Promise<string[]> {
  const path = collection === undefined ? '/snapshots' : `${collectionPath(collection)}/shards/0/snapshots`;
  const answer = parse(await rest(side, 'GET', path)) as Json;
  return list(objectAt(answer).result).map((file) => textAt(file, 'name') ?? '');
}
