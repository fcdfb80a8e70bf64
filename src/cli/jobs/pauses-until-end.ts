// The pauses between two looks at a workflow: short at first, so that a short one is seen, and cut off when it ends.

import { WorkflowFailedError } from '@temporalio/client';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Patience } from './keep-trying.js';
import type { Temporal } from '../temporal.js';

const FIRST_MS = 100;
const GROWTH = 1.5;
/** One call that waits for the end. */
const CALL_MS = 60_000;
const CALL_AGAIN_AFTER_MS = 1_000;

export interface Watched {
  temporal: Temporal;
  workflowId: string;
  patience: Patience;
}

export interface Pauses {
  /** Resolves after the pause, at the end of the workflow, or when the patience's signal says so. */
  next(): Promise<void>;
  stop(): void;
}

export function pausesUntilEnd({ temporal, workflowId, patience }: Watched, longestMs: number): Pauses {
  const ended = new AbortController();
  const cut = AbortSignal.any([patience.signal, ended.signal]);
  let isWanted = true;
  let pause = FIRST_MS;
  const listen = async () => {
    const handle = temporal.client.workflow.getHandle(workflowId);
    while (isWanted && !cut.aborted) {
      try {
        await temporal.call(() => handle.result().catch(unlessItFailed), CALL_MS);
        return ended.abort();
      } catch {
        await sleep(CALL_AGAIN_AFTER_MS, undefined, { ref: false });
      }
    }
  };
  void listen();
  return {
    next: async () => {
      await sleep(pause, undefined, { signal: cut }).catch(() => undefined);
      pause = Math.min(pause * GROWTH, longestMs);
    },
    stop: () => {
      isWanted = false;
    },
  };
}

/** A workflow that failed has ended, too. */
function unlessItFailed(error: unknown): void {
  if (!(error instanceof WorkflowFailedError)) throw error;
}
