import type { Command } from 'commander';
import {
  fullBackupSchema,
  incrementalBackupSchema,
  type FullBackupInput,
} from '../../model/contracts/backup-inputs.js';
import { requireStore, type FerryConfig } from '../../model/ferry-config.js';
import { outputOf, setExitCode, addExample } from '../terminal/output.js';
import { addInputOptions, inputFrom, refuseOtherFlags } from '../terminal/input-options.js';
import { addJobOptions, jobOptionsOf, type JobCommandOptions } from './job-command.js';
import type { JobEnds } from './follow-job.js';
import { dataQueueOf, runJob } from './run-job.js';

/** The cluster is an argument. */
const { maxLinks, detect, field, fieldUnit, overlapSeconds, digestEveryHours, onBusy } =
  incrementalBackupSchema.shape;
const flags = fullBackupSchema.omit({ cluster: true, onBusy: true }).extend({
  ...{ maxLinks, detect, field, fieldUnit, overlapSeconds, digestEveryHours },
  onBusy: onBusy.unwrap().optional(),
});

export function registerBackup(program: Command): void {
  const command = program
    .command('backup')
    .description('back up collections to a store, each shard once, and check every object')
    .argument('[CLUSTER]', 'alias of the cluster, from ferry.yaml')
    .argument(
      '[COLLECTION...]',
      'names, Qdrant aliases, or patterns like "logs-*"; all collections when none is given',
    )
    .usage('[options] CLUSTER [COLLECTION...]')
    .option(
      '--incremental',
      'store only what changed since the last backup by points, or of snapshots with --index; a full one by points where there is none',
    );
  addJobOptions(command);
  addInputOptions(command, flags);
  addExample(command, 'ferry backup source docs --store offsite');
  command.action(async (cluster: string | undefined, collections: string[]) => {
    const options = command.optsWithGlobals<JobCommandOptions & { incremental?: boolean }>();
    if (cluster === undefined && options.input === undefined) command.error('error: CLUSTER is missing');
    const input = inputFrom(command, flags, { collections });
    if (cluster !== undefined) input['cluster'] = cluster;
    const job = { operation: 'backup', ends: endsOf, input, ...jobOptionsOf(options) };
    const full = { workflowType: 'fullBackup', schema: fullBackupSchema };
    const increment = { workflowType: 'incrementalBackup', schema: incrementalBackupSchema };
    const chosen = (options.incremental ? increment : full).schema;
    const why = options.incremental ? 'cannot be combined with `--incremental`' : 'needs `--incremental`';
    refuseOtherFlags(input, { all: flags, chosen, why });
    const end = options.incremental
      ? await runJob({ ...job, ...increment }, outputOf(options))
      : await runJob({ ...job, ...full }, outputOf(options));
    setExitCode(end);
  });
}

function endsOf(
  { cluster, store }: Pick<FullBackupInput, 'cluster' | 'store'>,
  config: FerryConfig,
): JobEnds {
  const place = requireStore(config, store);
  return {
    source: cluster,
    target: place.alias,
    queues: [place.taskQueue ?? dataQueueOf(config, cluster)],
  };
}
