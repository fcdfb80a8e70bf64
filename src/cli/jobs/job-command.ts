// The arguments and flags that job commands share.

import { type Command, Option } from 'commander';
import type * as z from 'zod';
import { type ExternalSource, externalPlace } from '../../model/externals/source.js';
import { type FerryConfig, type StoreConnection, requireStore } from '../../model/ferry-config.js';
import { addInputOptions, inputFrom } from '../terminal/input-options.js';
import { addExample, outputOf, setExitCode, type GlobalOptions } from '../terminal/output.js';
import type { JobEnds, JobOptions } from './follow-job.js';
import { betweenClusters, dataQueueOf, runJob } from './run-job.js';

export type JobCommandOptions = GlobalOptions & { input?: string } & Partial<Omit<JobOptions, 'configPath'>>;

export function addJobOptions(command: Command): Command {
  const standalone =
    'run the job on its own Temporal server and workers, started for this command (on 127.0.0.1, open to other users of this machine)';
  return command
    .option('--id <workflow id>', 'workflow id (default: built from the aliases and the time)')
    .option('--detach', 'start the job, print its id and its link, and exit')
    .addOption(new Option('--standalone', standalone).conflicts('detach'));
}

export function jobOptionsOf(options: JobCommandOptions): JobOptions {
  const { id, detach = false, standalone = false, config: configPath } = options;
  return { id, detach, standalone, configPath };
}

export interface JobCommand {
  operation: string;
  workflowType: string;
  schema: z.ZodType<{ source: string; target: string }>;
  summary: string;
  example: string;
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
    .argument('[TARGET]', 'alias of the cluster to write or compare with')
    .argument('[COLLECTION...]', 'names or Qdrant aliases; all collections when none is given')
    .usage('[options] SOURCE TARGET [COLLECTION...]');
  addJobOptions(command);
  addInputOptions(command, job.schema);
  addExample(command, job.example);
  command.action(async (source: string | undefined, target: string | undefined, collections: string[]) => {
    const options = command.optsWithGlobals<JobCommandOptions>();
    if (target === undefined && options.input === undefined)
      command.error('error: SOURCE and TARGET are required');
    const input = inputFrom(command, job.schema, { source, target, collections });
    const rest = { input, ...job.choose?.(input), ...jobOptionsOf(options) };
    setExitCode(await runJob({ ...job, ends: betweenClusters, ...rest }, outputOf(options)));
  });
}

export interface RecoveryCommand {
  operation: 'restore' | 'rehearse';
  workflowType: string;
  schema: z.ZodType<Where>;
  summary: string;
  example: string;
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
    .argument('[COLLECTION...]', 'names at the time of the backup; all collections when none is given')
    .usage(`[options] ${name} [COLLECTION...]`);
  addJobOptions(command);
  addInputOptions(command, job.schema);
  addExample(command, job.example);
  command.action(async (where: string | undefined, collections: string[]) => {
    const options = command.optsWithGlobals<JobCommandOptions>();
    if (where === undefined && options.input === undefined) command.error(`error: ${name} is missing`);
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
