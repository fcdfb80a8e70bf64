// Each store of ferry.yaml as the workers that use it see it: this machine may see none of them. The workflow
// `examineStore` asks them; nothing here waits longer than its deadline.

import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import type { LookState, StoreExamination, StoreLook } from '../../model/contracts/store-examination.js';
import type { FerryConfig } from '../../model/ferry-config.js';
import { CONTROL_QUEUE } from '../../model/names.js';
import type { Temporal } from '../temporal.js';
import { errorDocument } from '../terminal/exit-codes.js';
import { isUnavailable } from '../terminal/keep-trying.js';
import { pollersOf } from '../watch/troubles.js';
import type { Finding } from './finding.js';

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
    if (isUnavailable(error))
      return [
        notLookedAt(
          alias,
          'the one listed does not answer: it has just died, hangs, or is older than this command',
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
    if (!isUnavailable(error) || !(await hasBegun(temporal, handle))) throw error;
    return await result(ANSWER_MS);
  }
}

async function hasBegun(temporal: Temporal, handle: WorkflowHandle): Promise<boolean> {
  const { historyLength } = await temporal.call(() => handle.describe());
  return historyLength > EVENTS_BEFORE_AN_ANSWER;
}

function notLookedAt(alias: string, why: string): Finding {
  const says = `not checked: it needs a control worker on ${CONTROL_QUEUE}, and ${why}`;
  return { ok: false, what: `store ${alias}`, says };
}

export function findingsOf(examination: StoreExamination, url: string): Finding[] {
  const { store, queues, looks } = examination;
  const trouble = looks.filter(({ state }) => state !== 'well');
  const living = looks.filter(({ state }) => state !== 'gone');
  const unattended = queues.filter((queue) => living.every((look) => !look.queues.includes(queue)));
  return [
    ...wellFindings(examination, url),
    ...trouble.map((look) => troubleFinding(examination, look)),
    ...unattended.map((queue) => ({ ok: false, what: `store ${store}`, says: nobodyOn(examination, queue) })),
    ...sharedQueueFindings(examination),
  ];
}

function wellFindings({ store, kind, looks }: StoreExamination, url: string): Finding[] {
  const well = looks.filter(({ state }) => state === 'well');
  if (well.length === 0) return [];
  const queues = [...new Set(well.flatMap((look) => look.queues))].join(', ');
  const witnesses = kind === 's3' ? `a worker of ${queues}` : well.map(({ worker }) => worker).join(', ');
  const marker = kind === 'file' && well.length > 1 ? `; all ${well.length} see one marker` : '';
  const lacks = [...new Set(well.flatMap(({ limitations }) => limitations))];
  const says = [`${url} is read and written by ${witnesses}${marker}`, ...lacks].join('. ');
  return [{ ok: true, what: `store ${store}`, says, ...(lacks.length > 0 ? { warns: true as const } : {}) }];
}

function troubleFinding(examination: StoreExamination, look: StoreLook): Finding {
  const { worker, queues, state } = look;
  const what = `store ${examination.store}, ${worker ?? `a worker of ${queues.join()}`}`;
  const says = TROUBLE[state](look, examination);
  return state === 'gone' ? { ok: true, warns: true, what, says } : { ok: false, what, says };
}

const TROUBLE: Record<LookState, (look: StoreLook, examination: StoreExamination) => string> = {
  well: () => 'ok',
  failed: ({ says }) => says ?? 'it failed',
  blind: ({ queues }, { markedBy }) =>
    `does not see the marker that ${markedBy} left: the two have different disks there. Mount the same one on both machines, or start the worker that must not have it without the queue ${queues.join(', ')} (ferry worker --role data --queue ferry-data)`,
  silent: ({ worker, queues }) =>
    worker === undefined
      ? `no worker answered in time: all workers of ${queues.join()} are busy (\`ferry status\`), or the last one has just died. Run it again in a minute`
      : 'did not answer: it was killed a moment ago, it or its disk hangs, or it is older than this command. Run the doctor again in a minute: a killed worker is reported as such by then',
  gone: () => 'did not answer, and has not polled for a minute: it was probably killed',
};

function nobodyOn({ kind }: StoreExamination, queue: string): string {
  const where = kind === 'file' ? ' on a machine that sees this disk' : '';
  return `no worker polls ${queue}; start one${where}: ferry worker --role data --queue ${queue}`;
}

/** Today they may all see one disk; the next worker that somebody starts elsewhere will not. */
function sharedQueueFindings({ store, kind, hasOwnQueue, queues, looks }: StoreExamination): Finding[] {
  const living = looks.filter(({ state }) => state !== 'gone');
  if (kind !== 'file' || hasOwnQueue || living.length < 2) return [];
  const says = `is a disk without its own queue, and ${living.length} workers poll ${queues.join(', ')}: a worker on another machine writes to another disk. Set \`taskQueue: ferry-data-${store}\` for this store in ferry.yaml, restart the workers, and run \`ferry worker --role data --queue ferry-data-${store}\` only where the disk is`;
  return [{ ok: true, warns: true, what: `store ${store}`, says }];
}
