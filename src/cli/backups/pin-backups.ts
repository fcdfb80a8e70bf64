// `ferry backups pin`, `unpin` and `forget`: what becomes of one backup, whatever the rules say. Straight to the store.

import type { Command } from 'commander';
import { randomUUID } from 'node:crypto';
import { elapsedClock } from '../../activities/elapsed-clock.js';
import { forgetBackup } from '../../backups/retention/forget-backup.js';
import { collectionsOf, pinBackup, unpinBackup } from '../../backups/retention/pin-backup.js';
import { plural } from '../terminal/formatting.js';
import { addExample, outputOf, stopOnInterrupt, type GlobalOptions } from '../terminal/output.js';
import { backupNamed, openCatalogue, type CatalogueOptions } from './open-catalogue.js';
import { leftText, removedText } from './prune.js';

type Options = GlobalOptions & CatalogueOptions & { collection?: string; reason?: string };

const EXAMPLE_ID = '20261127_143245-77e5b176';

export function registerPins(backups: Command): void {
  const pin = named(backups, 'pin', 'keep a backup, whatever a prune is told').option(
    '--reason <text>',
    'why, for whoever finds the pin',
  );
  addExample(pin, `ferry backups pin ${EXAMPLE_ID} --reason "before the upgrade"`);
  pin.action((id: string) => changePins(id, pin.optsWithGlobals<Options>(), 'pin'));
  const unpin = named(backups, 'unpin', 'remove the pin: a prune judges the backup by its rules again');
  addExample(unpin, `ferry backups unpin ${EXAMPLE_ID}`);
  unpin.action((id: string) => changePins(id, unpin.optsWithGlobals<Options>(), 'unpin'));
}

async function changePins(id: string, options: Options, verb: 'pin' | 'unpin'): Promise<void> {
  const store = await openCatalogue(options.config, options);
  const entry = await backupNamed(store, id, options);
  const { cluster, backup } = entry;
  const collections = collectionsOf(entry, options.collection);
  for (const collection of collections) {
    const of = { cluster, backup, collection };
    if (verb === 'pin') await pinBackup(store, of, options.reason);
    else await unpinBackup(store, of);
  }
  const text = `${plural(collections.length, 'collection')} of ${backup} ${verb}ned`;
  outputOf(options).result({ store: store.alias, cluster, backup, collections }, [text]);
}

export function registerForget(backups: Command): void {
  const forget = named(backups, 'forget', 'DELETE one backup, whatever the rules say');
  addExample(forget, `ferry backups forget ${EXAMPLE_ID} --collection docs`);
  forget.action(async (id: string) => {
    const options = forget.optsWithGlobals<Options>();
    const store = await openCatalogue(options.config, options);
    const { cluster, backup } = await backupNamed(store, id, options);
    const stop = stopOnInterrupt();
    try {
      const wanted = { cluster, backup, collection: options.collection };
      const attempt = { holder: `forget ${randomUUID()}`, signal: stop.signal, elapsed: elapsedClock() };
      const result = await forgetBackup(store, wanted, attempt);
      const backups = result.backups.filter(({ keep }) => !keep);
      outputOf(options).result({ ...result, backups }, [...leftText(result), removedText(result)]);
    } finally {
      stop.release();
    }
  });
}

function named(backups: Command, name: string, what: string): Command {
  return backups
    .command(name)
    .description(what)
    .argument('<ID>', 'id of the backup; `ferry backups` lists them')
    .option('--collection <name>', 'only of this collection (default: of all)');
}
