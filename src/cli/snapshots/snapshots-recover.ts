import { Option, type Command } from 'commander';
import { FerryError } from '../../model/errors.js';
import { parseInput } from '../../model/contracts/inputs.js';
import { type RecoverSnapshotResult, priorities } from '../../model/contracts/snapshot-activities.js';
import { given, recoverSnapshotSchema } from '../../model/contracts/snapshot-inputs.js';
import { openCatalogue } from '../backups/open-catalogue.js';
import { EXIT } from '../terminal/exit-codes.js';
import { addExample, type Output, outputOf, stopOnInterrupt } from '../terminal/output.js';
import { runSnapshotWork, type WorkEnd } from './run-snapshot-work.js';
import { recoverText } from './snapshot-text.js';
import { addOnBusy, placeOf, snapshotCommand, tell, type PlaceOptions } from './snapshot-command.js';

interface RecoverOptions extends PlaceOptions {
  snapshot?: string;
  url?: string;
  object?: string;
  store?: string;
  file?: string;
  checksum?: string;
  priority?: string;
  replace?: boolean;
  allowEmpty?: boolean;
}

const PRIORITY =
  'required. snapshot: the snapshot wins, and the other replicas are synchronised from it; replica: the other replicas win; no_sync: recover this node only';

export function registerRecover(snapshots: Command): void {
  const one = 'the node that takes it; required where the cluster has several';
  const what = 'recover a snapshot into a collection or a shard';
  const command = snapshotCommand(snapshots, 'recover', what, one, 'collection to recover into (required)');
  addExample(
    command,
    'ferry snapshots recover prod --collection docs-restored --object old/docs.snapshot --priority snapshot',
  );
  addOnBusy(command)
    .option('--snapshot <name>', 'a snapshot on the node')
    .option('--url <url>', 'a URL that the node fetches; no signed URLs')
    .option('--object <key>', 'an object in a store')
    .option(
      '--file <path>',
      'a file of this machine; it is uploaded to the store first, and removed from there afterwards',
    )
    .option('--store <alias>', 'store of --object and --file (default: defaults.store of ferry.yaml)')
    .option('--checksum <sha256>', 'refuse a file with another checksum')
    .addOption(new Option('--priority <choice>', PRIORITY).choices([...priorities]))
    .option('--replace', 'recover into an existing collection: its content is DELETED')
    .option('--allow-empty', 'accept a collection without points afterwards')
    .option('--detach', 'start it, print its id and its link, and exit');
  command.action(async (cluster: string) => {
    const options = command.optsWithGlobals<RecoverOptions>();
    const output = outputOf(options);
    const end =
      options.file === undefined
        ? await recover(cluster, options, output)
        : await fromFile(cluster, options, output);
    tell(end, output, recoverText);
  });
}

function inputOf(cluster: string, options: RecoverOptions): Record<string, unknown> {
  const { snapshot, url, object, store, checksum, priority, replace, allowEmpty, onBusy } = options;
  const said = given({ snapshot, url, object, store, checksum, priority, replace, allowEmpty, onBusy });
  return { ...placeOf(cluster, options), ...said };
}

function recover(
  cluster: string,
  options: RecoverOptions,
  output: Output,
): Promise<WorkEnd<RecoverSnapshotResult>> {
  const input = inputOf(cluster, options);
  const work = {
    operation: 'recover',
    workflowType: 'recoverSnapshot',
    schema: recoverSnapshotSchema,
    input,
  };
  return runSnapshotWork<RecoverSnapshotResult>(work, options, output);
}

/** The workers may run elsewhere, so they get it by way of the store. */
async function fromFile(
  cluster: string,
  { file = '', detach, ...options }: RecoverOptions,
  output: Output,
): Promise<WorkEnd<RecoverSnapshotResult>> {
  if (detach)
    throw new FerryError(
      'InvalidInput',
      '`--file` cannot be combined with `--detach`: the command removes the file from the store afterwards',
    );
  // Whatever is wrong is said before anything is sent.
  parseInput(recoverSnapshotSchema, inputOf(cluster, { ...options, object: 'the-file' }));
  const { putFile } = await import('../../snapshots/put-file.js');
  const store = await openCatalogue(options.config, given({ store: options.store }));
  const stop = stopOnInterrupt();
  const put = await putFile(store, file, stop.signal).finally(() => stop.release());
  requireHash(file, put.sha256, options.checksum);
  output.say(`${file} is in the store ${store.alias} as ${put.object}`);
  const { object, sha256: checksum } = put;
  const order = { ...options, store: store.alias, object, checksum };
  let isAwaited = true;
  try {
    const end = await recover(cluster, order, output);
    isAwaited = end.code !== EXIT.interrupted;
    return end;
  } finally {
    if (isAwaited) await store.delete(object);
    else
      output.say(`The work continues, so ${object} stays in the store ${store.alias}: delete it afterwards.`);
  }
}

function requireHash(file: string, sha256: string, wanted: string | undefined): void {
  if (wanted === undefined || wanted.toLowerCase() === sha256) return;
  throw new FerryError('SnapshotDamaged', `${file} has the SHA-256 ${sha256}, and should have ${wanted}`);
}
