// The shape that `restore` and `rehearse` share on the command line.

import type { Command } from 'commander';
import type * as z from 'zod';
import { requireStore, type FerryConfig, type StoreConnection } from '../../model/ferry-config.js';
import { externalPlace, type ExternalSource } from '../../model/external-source.js';
import { addInputOptions, inputFrom } from '../terminal/input-options.js';
import { addJobOptions, jobOptionsOf, type JobCommandOptions } from './job-options.js';
import { outputOf, setExitCode } from '../terminal/global-options.js';
import { dataQueueOf, runJob, type JobEnds } from './run-job.js';

export interface RecoveryCommand {
  operation: 'restore' | 'rehearse';
  workflowType: string;
  schema: z.ZodType<Where>;
  summary: string;
  /** The field of the input that names the cluster. */
  where: 'target' | 'scratch';
}

interface Where {
  target?: string;
  scratch?: string;
  store?: string | undefined;
  cluster?: string | undefined;
  from?: ExternalSource | undefined;
}

export function addRecoveryCommand(program: Command, job: RecoveryCommand): void {
  const name = job.where.toUpperCase();
  const command = program
    .command(job.operation)
    .description(job.summary)
    .argument(`[${name}]`, 'alias of the cluster to write, from ferry.yaml')
    .argument(
      '[COLLECTION...]',
      'names as they were when they were backed up; all of them when none is given',
    )
    .usage(`[options] ${name} [COLLECTION...]`);
  addJobOptions(command);
  addInputOptions(command, job.schema);
  command.action(async (where: string | undefined, collections: string[]) => {
    const options = command.optsWithGlobals<JobCommandOptions>();
    if (where === undefined && options.input === undefined) command.error(`error: ${name} is needed`);
    const input = inputFrom(command, job.schema, { collections });
    if (where !== undefined) input[job.where] = where;
    setExitCode(await runJob({ ...job, ends: endsOf, input, ...jobOptionsOf(options) }, outputOf(options)));
  });
}

function endsOf({ target, scratch, store, cluster, from }: Where, config: FerryConfig): JobEnds {
  const written = target ?? scratch ?? '';
  const place = from?.url === undefined ? requireStore(config, from?.store ?? store) : defaultStore(config);
  return {
    source: from === undefined ? (cluster ?? place?.alias ?? '') : externalPlace(from, place?.alias),
    target: written,
    queues: [place?.taskQueue ?? dataQueueOf(config, written)],
  };
}

/** Its queue is taken for what lies behind a URL too, where there is one. */
function defaultStore(config: FerryConfig): StoreConnection | undefined {
  const { store } = config.defaults;
  return store === undefined ? undefined : requireStore(config, store);
}
