// What is needed to strike in the middle of a capture or a recovery, and to know what stays on the node.

import type { Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { parse } from 'lossless-json';
import { listAt, objectAt, textAt, type Json } from '../../src/model/json.js';
import { collectionPath, rest, type RestSide } from './rest-text.js';
import type { TestStack } from './test-stack.js';
import { withClient } from './workflows-of.js';

export interface PendingAttempt {
  what: string;
  attempt: number;
  /** As of its last heartbeat. */
  bytes: number;
}

/** What is being done for a workflow; nothing when it has not started yet. */
export async function attemptsOf(
  stack: Pick<TestStack, 'temporal'>,
  workflowId: string,
): Promise<PendingAttempt[]> {
  return withClient(stack.temporal, (client) => pendingAttempts(client, workflowId));
}

async function pendingAttempts(client: Client, workflowId: string): Promise<PendingAttempt[]> {
  const { raw } = await client.workflow
    .getHandle(workflowId)
    .describe()
    .catch(() => ({ raw: undefined }));
  return (raw?.pendingActivities ?? []).map(({ activityType, attempt, heartbeatDetails }) => {
    const payload = heartbeatDetails?.payloads?.[0];
    const beat = payload ? defaultPayloadConverter.fromPayload<Beat>(payload) : undefined;
    const bytes = beat?.state?.bytes ?? beat?.bytes ?? 0;
    return { what: beat?.what ?? activityType?.name ?? '', attempt: attempt ?? 0, bytes };
  });
}

interface Beat {
  what?: string;
  bytes?: number;
  state?: { bytes?: number };
}

/** Names of the files that a node keeps: of a collection's first shard, or of the whole storage. */
export async function storedOnNode(side: RestSide, collection?: string): Promise<string[]> {
  const path = collection === undefined ? '/snapshots' : `${collectionPath(collection)}/shards/0/snapshots`;
  const answer = parse(await rest(side, 'GET', path)) as Json;
  return listAt(objectAt(answer).result).map((file) => textAt(file, 'name') ?? '');
}
