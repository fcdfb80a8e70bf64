// Work on the nodes of a cluster straight from this machine, without Temporal: `ferry snapshots list`, `show`, `delete`, and
// `download --to`. Adapters are loaded only when a command needs them.

import { setTimeout as sleep } from 'node:timers/promises';
import type { FerryConfig } from '../../model/ferry-config.js';
import { FerryError } from '../../model/errors.js';
import type { SnapshotDeps } from '../../snapshots/named-node.js';
import { EXIT } from '../terminal/exit-codes.js';
import { type Output, setExitCode } from '../terminal/output.js';
import { stopOnInterrupt } from '../terminal/output.js';

/** As many as the workflow makes. */
const ATTEMPTS = 4;
const PAUSE_MS = 500;

export async function nodesOf({ clusters }: FerryConfig): Promise<SnapshotDeps> {
  const { clusterNodes } = await import('../../qdrant/cluster-nodes.js');
  const { qdrantControls } = await import('../../qdrant/control.js');
  return { open: clusterNodes(clusters), controls: qdrantControls(clusters) };
}

/** Repeats what may be repeated. `isRepeated`: an attempt before this one may have taken effect. */
export async function attempted<T>(
  signal: AbortSignal,
  work: (isRepeated: boolean) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work(attempt > 1);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof FerryError) || !error.retryable || attempt === ATTEMPTS) throw error;
      await sleep(PAUSE_MS * 2 ** (attempt - 1), undefined, { signal });
    }
  }
}

/** Undefined when Ctrl-C ended it: then `whenStopped` is printed and the exit status is set. */
export async function untilInterrupted<T>(
  output: Output,
  whenStopped: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const stop = stopOnInterrupt();
  try {
    return await work(stop.signal);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    output.say(whenStopped);
    output.result({ error: { code: 'Interrupted', message: whenStopped } }, []);
    setExitCode(EXIT.interrupted);
    return undefined;
  } finally {
    stop.release();
  }
}
