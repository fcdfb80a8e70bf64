// The frame of the short commands: a connection, patience while the server is away, and an end to both.

import { WorkflowNotFoundError } from '@temporalio/client';
import { loadConfig } from '../../config.js';
import type { FerryConfig } from '../../model/ferry-config.js';
import { FerryError } from '../../model/errors.js';
import type { GlobalOptions } from './global-options.js';
import { EXIT } from './exit-codes.js';
import { keepTrying, StoppedWatching } from '../jobs/keep-trying.js';
import type { Output } from './output.js';
import { stopOnInterrupt } from '../jobs/run-job.js';
import { openTemporal, type Temporal } from '../temporal.js';

export interface Asking {
  temporal: Temporal;
  config: FerryConfig | undefined;
  /** Asks until the server answers; "not found" becomes `JobNotFound`. */
  ask<T>(question: () => Promise<T>, about?: string): Promise<T>;
}

export async function asking(
  options: GlobalOptions,
  output: Output,
  work: (asking: Asking) => Promise<number>,
): Promise<number> {
  const config = configIfAny(options, output);
  const temporal = openTemporal(config);
  const stop = stopOnInterrupt();
  const patience = {
    address: temporal.address,
    signal: stop.signal,
    say: (line: string) => output.say(line),
    meanwhile: () => 'Trying again.',
  };
  try {
    return await work({
      temporal,
      config,
      ask: (question, about) =>
        keepTrying(patience, () => temporal.call(question)).catch((error: unknown) => {
          throw error instanceof WorkflowNotFoundError ? notFound(about ?? error.workflowId, error) : error;
        }),
    });
  } catch (error) {
    if (!(error instanceof StoppedWatching)) throw error;
    output.result({ error: { code: 'Interrupted', message: 'Stopped.' } }, []);
    return EXIT.interrupted;
  } finally {
    stop.release();
    await temporal.close();
  }
}

/** These commands need Temporal only, so they do without a ferry.yaml unless one was named. */
function configIfAny(options: GlobalOptions, output: Output): FerryConfig | undefined {
  try {
    return loadConfig(options.config);
  } catch (error) {
    if (options.config !== undefined || !(error instanceof FerryError)) throw error;
    output.say(`No ferry.yaml; using Temporal as the environment names it.`);
    return undefined;
  }
}

function notFound(workflowId: string, cause: unknown): FerryError {
  return new FerryError('JobNotFound', `There is no job ${workflowId}`, { cause });
}
