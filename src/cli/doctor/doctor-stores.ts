// Each store of ferry.yaml, through the workers that use it: this machine may see none of them. The workflow
// `examineStore` asks; nothing here waits longer than its deadline.

import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { CONTROL_QUEUE } from '../../model/names.js';
import type { FerryConfig } from '../../model/ferry-config.js';
import type { StoreExamination } from '../../model/contracts/store-examination.js';
import { errorDocument } from '../terminal/exit-codes.js';
import type { Finding } from './finding.js';
import { isAway } from '../jobs/keep-trying.js';
import { pollersOf } from '../watch/queue-check.js';
import { findingsOf } from './store-findings.js';
import type { Temporal } from '../temporal.js';

/** A control worker that lives has begun by then. */
const BEGUN_MS = 10_000;
/** The examination has time-outs of its own, and has answered by then. */
const ANSWER_MS = 80_000;
/** Started, task scheduled, task started: so much of a history there is before a worker answers. */
const EVENTS_BEFORE_AN_ANSWER = 3;

export async function storeFindings(temporal: Temporal, config: FerryConfig): Promise<Finding[]> {
  const stores = Object.values(config.stores);
  if (stores.length === 0) return [];
  const { workers } = await pollersOf(temporal, CONTROL_QUEUE, 'workflow');
  if (workers.length === 0) return stores.map(({ alias }) => notLookedAt(alias, 'none polls it'));
  return (await Promise.all(stores.map(({ alias, url }) => lookAt(temporal, alias, url)))).flat();
}

async function lookAt(temporal: Temporal, alias: string, url: string): Promise<Finding[]> {
  try {
    return findingsOf(await examination(temporal, alias), url);
  } catch (error) {
    if (isAway(error))
      return [
        notLookedAt(
          alias,
          'the one that is listed does not answer: it has just died, hangs, or is older than this command',
        ),
      ];
    const why = error instanceof WorkflowFailedError ? error.cause : error;
    return [{ ok: false, what: `store ${alias}`, says: errorDocument(why).error.message }];
  }
}

async function examination(temporal: Temporal, store: string): Promise<StoreExamination> {
  const now = new Date().toISOString().replace(/[:.]/g, '');
  const handle = await temporal.call(() =>
    temporal.client.workflow.start('examineStore', {
      taskQueue: CONTROL_QUEUE,
      workflowId: `doctor/${store}/${now}`,
      args: [{ store }],
      workflowExecutionTimeout: '3m',
    }),
  );
  const result = (withinMs: number) =>
    temporal.call(() => handle.result() as Promise<StoreExamination>, withinMs);
  try {
    return await result(BEGUN_MS);
  } catch (error) {
    if (!isAway(error) || !(await hasBegun(temporal, handle))) throw error;
    return await result(ANSWER_MS);
  }
}

async function hasBegun(temporal: Temporal, handle: WorkflowHandle): Promise<boolean> {
  const { historyLength } = await temporal.call(() => handle.describe());
  return historyLength > EVENTS_BEFORE_AN_ANSWER;
}

function notLookedAt(alias: string, why: string): Finding {
  const says = `not looked at: that takes a control worker on ${CONTROL_QUEUE}, and ${why}`;
  return { ok: false, what: `store ${alias}`, says };
}
