// What an examination of a store means for whoever asked the doctor, and what to do about it.

import type { LookState, StoreExamination, StoreLook } from '../../model/contracts/store-examination.js';
import type { Finding } from './finding.js';

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
  well: () => 'nothing is wrong',
  failed: ({ says }) => says ?? 'it failed',
  blind: ({ queues }, { markedBy }) =>
    `does not see the marker that ${markedBy} left: the two have different disks there. Mount the same one on both machines, or start the one that should not have it so that it does not poll ${queues.join(', ')} (ferry worker --role data --queue ferry-data)`,
  silent: ({ worker, queues }) =>
    worker === undefined
      ? `nobody answered in time: all workers of ${queues.join()} are busy (\`ferry status\`), or the last one has just died. Ask again in a minute`
      : 'did not answer: gone? Or it hangs, or its disk does, or it is older than this command. Ask again in a minute: one that is gone is known by then',
  gone: () => 'did not answer, and has not asked for work for a minute: gone?',
};

function nobodyOn({ kind }: StoreExamination, queue: string): string {
  const where = kind === 'file' ? ' on a machine that sees this disk' : '';
  return `no worker polls ${queue}; start one${where}: ferry worker --role data --queue ${queue}`;
}

/** Today they may all see one disk; the next worker that somebody starts elsewhere will not. */
function sharedQueueFindings({ store, kind, hasOwnQueue, queues, looks }: StoreExamination): Finding[] {
  const living = looks.filter(({ state }) => state !== 'gone');
  if (kind !== 'file' || hasOwnQueue || living.length < 2) return [];
  const says = `is a disk without a queue of its own, and ${living.length} workers poll ${queues.join(', ')}: one that is started on another machine writes to another disk. Set \`taskQueue: ferry-data-${store}\` for this store in ferry.yaml, restart the workers, and run \`ferry worker --role data --queue ferry-data-${store}\` only where the disk is`;
  return [{ ok: true, warns: true, what: `store ${store}`, says }];
}
