// The shape that `restore` and `rehearse` share on the command line.

import type { Command } from 'commander';
import type * as z from 'zod';
import { requireStore, type FerryConfig } from '../model/ferry-config.js';
import { addInputOptions, inputFrom } from './input-options.js';
import { outputOf, setExitCode, type GlobalOptions } from './global-options.js';
import type { Done } from './report-text.js';
import { dataQueueOf, runJob, type JobEnds } from './run-job.js';

export interface RecoveryCommand {
  operation: 'restore' | 'rehearse';
  workflowType: string;
  schema: z.ZodType<Where>;
  summary: string;
  /** The field of the input that names the cluster. */
  where: 'target' | 'scratch';
  done: Done;
}

interface Where {
  target?: string;
  scratch?: string;
  store?: string | undefined;
  cluster?: string | undefined;
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
    .usage(`[options] ${name} [COLLECTION...]`)
    .option('--id <workflow id>', 'id of the workflow (default: made from the aliases and the time)')
    .option('--detach', 'start it, print its id and its link, and leave');
  addInputOptions(command, job.schema);
  command.action(async (where: string | undefined, collections: string[]) => {
    const options = command.optsWithGlobals<
      GlobalOptions & { id?: string; detach?: boolean; input?: string }
    >();
    if (where === undefined && options.input === undefined) command.error(`error: ${name} is needed`);
    const input = inputFrom(command, job.schema, { collections });
    if (where !== undefined) input[job.where] = where;
    const { id, detach = false, config: configPath } = options;
    setExitCode(await runJob({ ...job, ends: endsOf, input, id, detach, configPath }, outputOf(options)));
  });
}

function endsOf({ target, scratch, store, cluster }: Where, config: FerryConfig): JobEnds {
  const place = requireStore(config, store);
  const written = target ?? scratch ?? '';
  return {
    source: cluster ?? place.alias,
    target: written,
    queues: [place.taskQueue ?? dataQueueOf(config, written)],
  };
}
