// `ferry backups`: what a store holds. Reads the store from here: after a disaster there may be no Temporal to ask.

import type { Command } from 'commander';
import { showBackup } from '../../backups/catalogue/catalogue.js';
import type {
  CatalogueEntry,
  CollectionBackup,
  ListedBackup,
  RunOutline,
} from '../../model/contracts/backup-catalogue.js';
import { listed } from '../../model/collections.js';
import {
  backupNamed,
  newestBackups,
  openCatalogue,
  stateText,
  type CatalogueOptions,
} from './open-catalogue.js';
import { registerForget, registerPins } from './pin-backups.js';
import { recallText } from '../jobs/report-text.js';
import { EXIT } from '../terminal/exit-codes.js';
import { bytes, columns, count, plural } from '../terminal/formatting.js';
import { type GlobalOptions, outputOf, setExitCode, addExample } from '../terminal/output.js';

type Options = GlobalOptions & CatalogueOptions & { limit?: string };
type Row = CatalogueEntry | ListedBackup;

/** Collections that one list reads, as `show` does, newest backup first; of the others it tells what backup.json says. */
const MOST_READ = 2_000;

export function registerBackups(program: Command): void {
  const command = program
    .command('backups')
    .description('list the backups in a store, newest first; `backups show ID` describes one')
    .option('--store <alias>', 'alias of the store (default: defaults.store of ferry.yaml)')
    .option('--cluster <alias>', 'only backups of this cluster')
    .option('--limit <number>', 'number of backups to list; 0 for all', '20');
  addExample(command, 'ferry backups --store offsite');
  command.action(async () => {
    const options = command.optsWithGlobals<Options>();
    const store = await openCatalogue(options.config, options);
    const { listed, total } = await newestBackups(store, options);
    const backups: Row[] = [];
    let left = MOST_READ;
    for (const one of listed) {
      const { cluster, backup, collections } = one;
      const isRead = collections <= left;
      if (isRead) left -= collections;
      backups.push(isRead ? await showBackup(store, { cluster, backup }) : one);
    }
    const text = listText(store.alias, backups, { now: new Date(), total, cluster: options.cluster });
    outputOf(options).result({ store: store.alias, total, backups }, text);
  });
  const show = command
    .command('show')
    .description('describe one backup, collection by collection')
    .argument('<ID>');
  addExample(show, 'ferry backups show 20261127_143245-77e5b176');
  show.action(async (id: string) => {
    const options = show.optsWithGlobals<Options>();
    const entry = await backupNamed(await openCatalogue(options.config, options), id, options);
    outputOf(options).result(entry, showText(entry, new Date()));
    setExitCode(entry.complete ? EXIT.done : EXIT.failed);
  });
  registerPins(command);
  registerForget(command);
}

export function listText(
  store: string,
  backups: readonly Row[],
  { now, total = backups.length, cluster }: { now: Date; total?: number; cluster?: string | undefined },
): string[] {
  if (backups.length === 0)
    return [
      cluster === undefined
        ? `The store ${store} holds no backups.`
        : `The store ${store} holds no backups of "${cluster}". \`ferry backups --store ${store}\` lists those of every cluster.`,
    ];
  const rows = backups.map((entry) => [
    entry.backup,
    entry.cluster,
    peerText(entry),
    ...('complete' in entry
      ? [stateOf(entry), plural(entry.collections.length, 'collection'), bytes(sizeOf(entry))]
      : [listedState(entry), plural(entry.collections, 'collection'), bytes(entry.bytes)]),
    whenText(entry, now),
    ...(entry.scope === 'named' ? ['by name'] : []),
    ...(entry.policy === undefined ? [] : [`policy ${entry.policy}`]),
    ...('complete' in entry && !entry.complete ? [whyNot(entry)] : []),
  ]);
  const more = total - backups.length;
  return [
    ...columns(rows),
    ...(more > 0 ? [`and ${count(more)} more: \`--limit ${total}\` lists them`] : []),
  ];
}

/** Nothing but backup.json was read, so whether it is complete now is not known. */
function listedState({ finished, interrupted, usable, collections }: ListedBackup): string {
  if (!finished) return 'incomplete (not ended)';
  const known = `0 of ${count(collections)} collections read; ${count(usable)} were usable when it ended`;
  return `${interrupted || usable < collections ? 'incomplete' : 'not checked'} (${known})`;
}

/** Enough of a peer id to tell two clusters apart. */
function peerText({ clusterIdentity }: RunOutline): string {
  const [first] = [...clusterIdentity].sort();
  if (first === undefined) return 'peer unknown';
  const more = clusterIdentity.length - 1;
  return `peer ${first.length > 6 ? `…${first.slice(-6)}` : first}${more > 0 ? ` +${more}` : ''}`;
}

function whenText({ startedAt, isFuture }: RunOutline, now: Date): string {
  return isFuture ? `dated in the future: ${startedAt.slice(0, 10)}` : age(startedAt, now);
}

export function showText(entry: CatalogueEntry, now: Date): string[] {
  const rows = entry.collections.map((one) => [
    one.collection,
    stateText(one.state),
    one.points === undefined ? '' : plural(one.points, 'point'),
    bytes(one.bytes),
    proofText(one, now),
    one.base === undefined ? '' : `continues ${one.base}`,
    [...(one.isPinned ? ['pinned'] : []), one.reason ?? ''].join(' '),
  ]);
  const head = `${entry.backup} of ${entry.cluster} (${peerText(entry)}) in ${entry.store}, ${whenText(entry, now)}: ${stateOf(entry)}`;
  return [head, ...columns(rows, [2, 3]), ...leftoverText(entry)];
}

function stateOf({ complete, collections, pruned = [] }: CatalogueEntry): string {
  if (complete) return 'complete';
  if (pruned.length > 0)
    return `pruned (${count(pruned.length)} of ${count(pruned.length + collections.length)} collections removed)`;
  const usable = collections.filter((one) => one.state === 'complete').length;
  return `incomplete (${count(usable)} of ${count(collections.length)} collections usable)`;
}

/** Of attempts that were cut off. Nothing needs them, and only a prune removes them. */
function leftoverText({ leftover, cluster, backup }: CatalogueEntry): string[] {
  if (leftover.length === 0) return [];
  const folder = `${cluster}/${backup}/`;
  const size = leftover.reduce((sum, one) => sum + one.bytes, 0);
  return [
    `left over, named by no manifest: ${plural(leftover.length, 'object')}, ${bytes(size)}`,
    ...leftover.slice(0, 10).map(({ key }) => `  ${key.slice(folder.length)}`),
  ];
}

function whyNot({ collections, interrupted, fault, pruned = [] }: CatalogueEntry): string {
  if (fault !== undefined) return fault;
  const broken = collections.find((one) => one.state !== 'complete');
  if (interrupted && broken === undefined) return 'it was interrupted';
  if (pruned.length > 0 && broken === undefined) return `removed: ${listed(pruned)}`;
  return broken
    ? `${broken.collection}: ${broken.reason ?? stateText(broken.state)}`
    : 'backup.json is not there (yet)';
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
