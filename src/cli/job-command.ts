// The shape that `migrate` and `verify` share on the command line.

import type { Command } from 'commander';
import type * as z from 'zod';
import { addInputOptions, inputFrom } from './input-options.js';
import { outputOf, setExitCode, type GlobalOptions } from './global-options.js';
import type { Done } from './report-text.js';
import { betweenClusters, runJob } from './run-job.js';

export interface JobCommand {
  operation: string;
  workflowType: string;
  schema: z.ZodType<{ source: string; target: string }>;
  summary: string;
  done: Done;
}

export function addJobCommand(program: Command, job: JobCommand): void {
  const command = program
    .command(job.operation)
    .description(job.summary)
    .argument('[SOURCE]', 'alias of the cluster to read, from ferry.yaml')
    .argument('[TARGET]', 'alias of the other cluster')
    .argument('[COLLECTION...]', 'names, or aliases of Qdrant; all collections when none is given')
    .usage('[options] SOURCE TARGET [COLLECTION...]')
    .option('--id <workflow id>', 'id of the workflow (default: made from the aliases and the time)')
    .option('--detach', 'start it, print its id and its link, and leave');
  addInputOptions(command, job.schema);
  command.action(async (source: string | undefined, target: string | undefined, collections: string[]) => {
    const options = command.optsWithGlobals<
      GlobalOptions & { id?: string; detach?: boolean; input?: string }
    >();
    if (target === undefined && options.input === undefined)
      command.error('error: SOURCE and TARGET are needed');
    const input = inputFrom(command, job.schema, { source, target, collections });
    const { id, detach = false, config: configPath } = options;
    const rest = { input, id, detach, configPath };
    setExitCode(await runJob({ ...job, ends: betweenClusters, ...rest }, outputOf(options)));
  });
}
