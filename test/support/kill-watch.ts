// What is needed to kill something in the middle of a migration and to know afterwards what was written twice.

import { defaultPayloadConverter } from '@temporalio/common';
import type { SliceHeartbeat } from '../../src/model/contracts/slice-activities.js';
import type { CollectionStatus } from '../../src/model/contracts/results.js';
import { countPoints } from './compare-sides.js';
import { RestRefusal } from './rest-text.js';
import type { TestStack } from './test-stack.js';
import { withClient } from './workflows-of.js';

export interface Position {
  phase: CollectionStatus['phase'];
  /** Where the next attempts will go on: claimed by ended activities, and by the last heartbeats of running ones. */
  claimed: number;
}

export async function positionOf(stack: TestStack, collection: string): Promise<Position> {
  return withClient(stack.temporal, async (client) => {
    const handle = client.workflow.getHandle(`ferry/target/${collection}`);
    const status = await handle.query<CollectionStatus>('status');
    const { raw } = await handle.describe();
    const beats = (raw.pendingActivities ?? []).flatMap((activity) => {
      const payload = activity.heartbeatDetails?.payloads?.[0];
      return payload ? [defaultPayloadConverter.fromPayload<SliceHeartbeat>(payload)] : [];
    });
    const copies = beats.filter((beat) => beat?.what?.startsWith('copy'));
    return {
      phase: status.phase,
      claimed: copies.reduce((sum, beat) => sum + beat.state.points, status.points),
    };
  });
}

/** Points on the target; none while there is no collection. */
export async function pointsOnTarget(stack: Pick<TestStack, 'side'>, collection: string): Promise<number> {
  try {
    return await countPoints(stack.side('target', collection));
  } catch (error) {
    if (error instanceof RestRefusal && error.status === 404) return 0;
    throw error;
  }
}

/** Resolves when the target holds at least so many points; at once when `ended` comes first. */
export async function untilPoints(
  stack: Pick<TestStack, 'side'>,
  collection: string,
  points: number,
  ended: Promise<unknown>,
) {
  let over = false;
  void ended.then(() => (over = true));
  while (!over && (await pointsOnTarget(stack, collection)) < points) await pause(100);
}

export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
