// The shape that `migrate` and `verify` share on the command line.

import type { Command } from 'commander';
import type * as z from 'zod';
import { addInputOptions, inputFrom } from '../terminal/input-options.js';
import { addJobOptions, jobOptionsOf, type JobCommandOptions } from './job-options.js';
import { outputOf, setExitCode } from '../terminal/global-options.js';
import { betweenClusters, runJob } from './run-job.js';

export interface JobCommand {
  operation: string;
  workflowType: string;
  schema: z.ZodType<{ source: string; target: string }>;
  summary: string;
  /** Which workflow it becomes, where the flags decide that. */
  choose?(input: Record<string, unknown>): Pick<JobCommand, 'workflowType' | 'schema'> & {
    input: Record<string, unknown>;
  };
}

export function addJobCommand(program: Command, job: JobCommand): void {
  const command = program
    .command(job.operation)
    .description(job.summary)
    .argument('[SOURCE]', 'alias of the cluster to read, from ferry.yaml')
    .argument('[TARGET]', 'alias of the other cluster')
    .argument('[COLLECTION...]', 'names, or aliases of Qdrant; all collections when none is given')
    .usage('[options] SOURCE TARGET [COLLECTION...]');
  addJobOptions(command);
  addInputOptions(command, job.schema);
  command.action(async (source: string | undefined, target: string | undefined, collections: string[]) => {
    const options = command.optsWithGlobals<JobCommandOptions>();
    if (target === undefined && options.input === undefined)
      command.error('error: SOURCE and TARGET are needed');
    const input = inputFrom(command, job.schema, { source, target, collections });
    const rest = { input, ...job.choose?.(input), ...jobOptionsOf(options) };
    setExitCode(await runJob({ ...job, ends: betweenClusters, ...rest }, outputOf(options)));
  });
}
