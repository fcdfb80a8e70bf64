// `ferry prune`: removes the backups that no rule keeps, through the workflow `pruneBackups`.

import type { Command } from 'commander';
import { loadConfig } from '../../config.js';
import { parseInput } from '../../model/contracts/inputs.js';
import {
  pruneBackupsSchema,
  pruneOptionsSchema,
  type JudgedBackup,
  type PruneStoreResult,
} from '../../model/contracts/prune-activities.js';
import { queuesOfStore, requireStore } from '../../model/ferry-config.js';
import { DATA_QUEUE, pruneJobId } from '../../model/names.js';
import { startedNow } from '../jobs/follow-job.js';
import { runWork, type WorkOptions } from '../snapshots/run-snapshot-work.js';
import { bytes, columns, count, plural } from '../terminal/formatting.js';
import { addInputOptions, inputFrom } from '../terminal/input-options.js';
import { addExample, outputOf, setExitCode } from '../terminal/output.js';
import { stateText } from './open-catalogue.js';

type Options = WorkOptions & { collection?: string[] };

export function registerPrune(program: Command): void {
  const command = program
    .command('prune')
    .description('DELETE the backups that no rule keeps, collection by collection')
    .argument('[CLUSTER]', 'only backups of this cluster (default: of every cluster in the store)')
    .option('--collection <names...>', 'only backups of these collections')
    .option('--detach', 'start it, print its id and its link, and exit');
  addInputOptions(command, pruneOptionsSchema);
  addExample(command, 'ferry prune --dry-run --keep-days 30 --keep-monthly 12');
  command.action(async (cluster: string | undefined) => {
    const options = command.optsWithGlobals<Options>();
    const output = outputOf(options);
    const input = {
      ...inputFrom(command, pruneOptionsSchema, { collections: options.collection ?? [] }),
      ...(cluster === undefined ? {} : { cluster }),
    };
    const { store } = parseInput(pruneBackupsSchema, input);
    const loaded = loadConfig(options.config);
    const [dataQueue = DATA_QUEUE] = queuesOfStore(loaded, requireStore(loaded, store));
    const workflowId = pruneJobId(store, startedNow());
    const work = { workflowId, workflowType: 'pruneBackups', dataQueue, input };
    const { code, answer } = await runWork<PruneStoreResult>(work, { ...options, loaded }, output);
    if (answer !== undefined) output.result(answer, pruneText(answer));
    setExitCode(code);
  });
}

export function pruneText(result: PruneStoreResult): string[] {
  const { removed, removedEarlier = 0, kept, swept, backups } = result;
  const more = removed + kept - backups.length;
  if (removed + kept === 0)
    return [...leftText(result), `${result.store} holds no such backups; nothing was removed`];
  return [
    ...columns(backups.map(line)),
    ...(more > 0 ? [`and ${count(more)} more`] : []),
    ...(swept.objects + swept.uploads > 0 ? [sweptText(result)] : []),
    ...leftText(result),
    ...(removedEarlier > 0
      ? [`${count(removedEarlier)} more were removed before this job was interrupted`]
      : []),
    `${removedText(result)}; ${count(kept)} kept`,
  ];
}

export function leftText({ left }: PruneStoreResult): string[] {
  return left.map(({ key, why }) => `left: ${key}: ${why}`);
}

/** What is counted is the backup of a collection, of which a run holds several. */
export function removedText({ store, dryRun, removed, removedBytes }: PruneStoreResult): string {
  const verb = dryRun ? 'would be removed from' : 'removed from';
  return `${plural(removed, 'collection backup')} (${bytes(removedBytes)}) ${verb} ${store}`;
}

function line({ keep, backup, cluster, collection, state, reasons }: JudgedBackup): string[] {
  return [keep ? 'keep' : 'remove', backup, cluster, collection, stateText(state), reasons.join('; ')];
}

function sweptText({ swept: { objects, bytes: size, uploads }, dryRun }: PruneStoreResult): string {
  const verb = dryRun ? 'would be swept' : 'swept';
  return `${verb}: ${plural(objects, 'object')} that no backup needs, ${bytes(size)}; ${plural(uploads, 'unfinished upload')}`;
}
