import type { Command } from 'commander';
import { showBackup } from '../backup/catalogue/catalogue.js';
import type { CatalogueEntry, CollectionBackup } from '../model/backup-activities.js';
import { allBackups, backupNamed, openCatalogue, type CatalogueOptions } from './catalogue.js';
import { EXIT } from './exit-codes.js';
import { bytes, columns, count, plural } from './formatting.js';
import { outputOf, setExitCode, type GlobalOptions } from './global-options.js';
import { recallText } from './report-text.js';

type Options = GlobalOptions & CatalogueOptions;

export function registerBackups(program: Command): void {
  const command = program
    .command('backups')
    .description('list what a store holds; `backups show ID` tells everything of one')
    .option('--store <alias>', 'store of ferry.yaml (default: its defaults.store)')
    .option('--cluster <alias>', 'only backups of this cluster');
  command.action(async () => {
    const options = command.optsWithGlobals<Options>();
    const store = await openCatalogue(options.config, options);
    const backups: CatalogueEntry[] = [];
    for (const { cluster, backup } of await allBackups(store, options)) {
      backups.push(await showBackup(store, { cluster, backup }));
    }
    outputOf(options).result({ store: store.alias, backups }, listText(store.alias, backups, new Date()));
  });
  const show = command.command('show').description('one backup, collection by collection').argument('<ID>');
  show.action(async (id: string) => {
    const options = show.optsWithGlobals<Options>();
    const entry = await backupNamed(await openCatalogue(options.config, options), id, options);
    outputOf(options).result(entry, showText(entry, new Date()));
    setExitCode(entry.complete ? EXIT.done : EXIT.failed);
  });
}

export function listText(store: string, backups: readonly CatalogueEntry[], now: Date): string[] {
  if (backups.length === 0) return [`The store ${store} holds no backups.`];
  const rows = backups.map((entry) => [
    entry.backup,
    entry.cluster,
    stateOf(entry),
    plural(entry.collections.length, 'collection'),
    bytes(sizeOf(entry)),
    age(entry.startedAt, now),
    ...(entry.complete ? [] : [whyNot(entry)]),
  ]);
  return columns(rows);
}

export function showText(entry: CatalogueEntry, now: Date): string[] {
  const rows = entry.collections.map((one) => [
    one.collection,
    one.state,
    one.points === undefined ? '' : plural(one.points, 'point'),
    bytes(one.bytes),
    proofText(one, now),
    one.reason ?? '',
  ]);
  const head = `${entry.backup} of ${entry.cluster} in ${entry.store}, ${age(entry.startedAt, now)}: ${stateOf(entry)}`;
  return [head, ...columns(rows, [2, 3])];
}

function stateOf({ complete, collections }: CatalogueEntry): string {
  if (complete) return 'complete';
  const usable = collections.filter((one) => one.state === 'complete').length;
  return `incomplete (${count(usable)} of ${count(collections.length)} collections usable)`;
}

function whyNot({ collections }: CatalogueEntry): string {
  const broken = collections.find((one) => one.state !== 'complete');
  return broken ? `${broken.collection}: ${broken.reason ?? broken.state}` : 'backup.json is not there (yet)';
}

function proofText({ proof }: CollectionBackup, now: Date): string {
  if (proof.kind === 'none') return 'content unproven';
  const when = proof.at === undefined ? '' : ` ${age(proof.at, now)}`;
  return `${proof.kind}${when}${proof.recall === undefined ? '' : `, ${recallText(proof.recall)}`}`;
}

function sizeOf({ collections }: CatalogueEntry): number {
  return collections.reduce((sum, one) => sum + one.bytes, 0);
}

function age(time: string, now: Date): string {
  const minutes = Math.max(0, Math.round((now.getTime() - Date.parse(time)) / 60_000));
  if (minutes < 120) return `${minutes} min ago`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h ago` : `${Math.round(hours / 24)} days ago`;
}
