import type { Command } from 'commander';
import { checkObjects, freshCheck, readManifest } from '../../backups/catalogue/check-objects.js';
import type { CheckObjectsResult } from '../../model/contracts/backup-activities.js';
import type { CatalogueEntry, CollectionBackup } from '../../model/contracts/backup-catalogue.js';
import type { OfCollection } from '../../backups/read-backup.js';
import type { ObjectStore } from '../../storage/object-store.js';
import { type CatalogueOptions, backupNamed, openCatalogue, stateText } from './open-catalogue.js';
import { EXIT } from '../terminal/exit-codes.js';
import { bytes, columns } from '../terminal/formatting.js';
import {
  stopOnInterrupt,
  type GlobalOptions,
  type Output,
  outputOf,
  setExitCode,
  addExample,
} from '../terminal/output.js';

type Options = GlobalOptions & CatalogueOptions & { part?: string; quick?: boolean; full?: boolean };
type Checked = {
  collection: string;
  /** As `ferry backups show` has it; `damaged` also where the content of an object is. */
  state: CollectionBackup['state'];
  ok: boolean;
  bytes: number;
  damage: string[];
};

export function registerCheckBackup(program: Command): void {
  const command = program
    .command('check-backup')
    .description('read a backup again, with all that it is based on, and compare it with its manifests')
    .argument('<ID>', 'id of the backup; `ferry backups` lists them')
    .option('--store <alias>', 'alias of the store (default: defaults.store of ferry.yaml)')
    .option('--cluster <alias>', 'cluster of the backup')
    .option('--part <k/n>', 'check only part k of n of the objects, for example 1/7')
    .option('--full', 'read and hash every byte (the default)')
    .option('--quick', 'check existence and size only');
  addExample(command, 'ferry check-backup 20261127_143245-77e5b176 --part 1/7');
  command.action(async (id: string) => {
    const options = command.optsWithGlobals<Options>();
    const output = outputOf(options);
    const store = await openCatalogue(options.config, options);
    const entry = await backupNamed(store, id, options);
    const stop = stopOnInterrupt();
    try {
      const checked = await checkAll(store, entry, options, output, stop.signal);
      const ok = checked.every((one) => one.ok);
      const { backup, cluster } = entry;
      output.result({ store: store.alias, cluster, backup, ok, collections: checked }, text(checked));
      setExitCode(ok ? EXIT.done : EXIT.failed);
    } finally {
      stop.release();
    }
  });
}

export async function checkAll(
  store: ObjectStore,
  entry: CatalogueEntry,
  options: Pick<Options, 'part' | 'quick'>,
  output: Pick<Output, 'say'>,
  signal: AbortSignal,
): Promise<Checked[]> {
  const checked: Checked[] = [];
  for (const { collection, state, reason, points, bytes: size, base } of entry.collections) {
    output.say(`checking ${collection}, ${bytes(size)}`);
    const known = state === 'complete' ? [] : [reason ?? state];
    // Points are known where the manifest can be read.
    const readable = points !== undefined && state !== 'incomplete';
    const found = readable
      ? await checkOne(store, entry, collection, options, signal)
      : { ...freshCheck(), done: true };
    // Where the documents of a base are not in order, the state says so.
    if (base !== undefined && known.length === 0)
      await checkBases(store, { cluster: entry.cluster, backup: base, collection }, found, options, signal);
    const damage = found.damage.length > 0 ? found.damage : known;
    const isDamaged = found.damage.length > 0 && state !== 'archived';
    checked.push({
      ...{ collection, state: isDamaged ? 'damaged' : state },
      ...{ ok: damage.length === 0, bytes: found.bytes, damage },
    });
  }
  return checked;
}

/** An increment is as good as what it is based on: adds what that holds, down to the full backup. */
async function checkBases(
  store: ObjectStore,
  of: OfCollection,
  found: CheckObjectsResult,
  options: Pick<Options, 'part' | 'quick'>,
  signal: AbortSignal,
): Promise<void> {
  for (let backup: string | undefined = of.backup; backup !== undefined;) {
    const link: OfCollection = { ...of, backup };
    const { bytes: size, damage } = await checkOne(store, link, of.collection, options, signal);
    found.bytes += size;
    found.damage.push(...damage.map((sentence) => `its base ${link.backup}: ${sentence}`));
    backup = (await readManifest(store, link, signal)).base?.backup;
  }
}

function checkOne(
  store: ObjectStore,
  { cluster, backup }: Pick<CatalogueEntry, 'cluster' | 'backup'>,
  collection: string,
  { part, quick = false }: Pick<Options, 'part' | 'quick'>,
  signal: AbortSignal,
): Promise<CheckObjectsResult> {
  const input = {
    store: store.alias,
    cluster,
    backup,
    collection,
    what: `check ${collection}`,
    verify: quick ? ('quick' as const) : ('full' as const),
    ...(part === undefined ? {} : { share: part }),
    budgetMs: Infinity,
  };
  const attempt = {
    state: freshCheck(),
    onProgress: () => undefined,
    signal,
    stop: new AbortController().signal,
  };
  return checkObjects(store, input, attempt);
}

function text(checked: readonly Checked[]): string[] {
  const rows = checked.map((one) => [
    one.collection,
    one.ok ? 'as written' : stateText(one.state),
    bytes(one.bytes),
  ]);
  const table = columns(rows, [2]);
  return checked.flatMap((one, at) => [table[at] ?? '', ...one.damage.map((line) => `  ${line}`)]);
}
