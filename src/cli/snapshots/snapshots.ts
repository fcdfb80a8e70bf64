// `ferry snapshots …`: Qdrant's own snapshots, on every node of a cluster. Listing and deleting go straight to the nodes;
// creating, recovering and downloading into a store are workflows.

import type { Command } from 'commander';
import { loadConfig } from '../../config.js';
import { parseInput } from '../../model/contracts/inputs.js';
import type { CreateSnapshotResult } from '../../model/contracts/snapshot-activities.js';
import {
  createSnapshotSchema,
  deleteSnapshotSchema,
  given,
  listSnapshotsSchema,
  scopeOf,
} from '../../model/contracts/snapshot-inputs.js';
import { deleteOnNode } from '../../snapshots/delete-snapshot.js';
import { listOnNodes } from '../../snapshots/list-snapshots.js';
import { EXIT } from '../terminal/exit-codes.js';
import { addExample, outputOf, setExitCode } from '../terminal/output.js';
import { attempted, nodesOf, untilInterrupted } from './on-nodes.js';
import { runSnapshotWork } from './run-snapshot-work.js';
import { aCount, addOnBusy, placeOf, snapshotCommand, tell, type PlaceOptions } from './snapshot-command.js';
import { registerDownload } from './snapshots-download.js';
import { registerRecover } from './snapshots-recover.js';
import { createText, deleteText, listText } from './snapshot-text.js';

export function registerSnapshots(program: Command): void {
  const snapshots = program
    .command('snapshots')
    .description(
      "Qdrant's own snapshots on the nodes of a cluster: list, show, create, delete, recover, download",
    );
  addExample(snapshots, 'ferry snapshots list prod --collection docs');
  registerList(snapshots);
  registerShow(snapshots);
  registerCreate(snapshots);
  registerDelete(snapshots);
  registerRecover(snapshots);
  registerDownload(snapshots);
}

const ONE_NODE = 'only on this node (default: on every node)';

function registerList(snapshots: Command): void {
  const what = 'list the snapshots on each node';
  const command = snapshotCommand(snapshots, 'list', what, ONE_NODE);
  addExample(command, 'ferry snapshots list prod --collection docs');
  command.action((cluster: string) => list(cluster, command.optsWithGlobals<PlaceOptions>()));
}

function registerShow(snapshots: Command): void {
  const what = 'show one snapshot: the nodes that have it, size, time of creation, checksum';
  const command = snapshotCommand(snapshots, 'show', what, ONE_NODE).argument('<NAME>', 'its full name');
  addExample(command, 'ferry snapshots show prod docs-71-2026-11-27-02-00-00.snapshot --collection docs');
  command.action((cluster: string, snapshot: string) =>
    list(cluster, command.optsWithGlobals<PlaceOptions>(), snapshot),
  );
}

/** Exit status 1 where a node did not answer: what it has is not in the list. */
async function list(cluster: string, options: PlaceOptions, snapshot?: string): Promise<void> {
  const output = outputOf(options);
  const input = parseInput(listSnapshotsSchema, { ...placeOf(cluster, options), ...given({ snapshot }) });
  const nodes = await nodesOf(loadConfig(options.config));
  const { node, snapshot: name } = input;
  const wanted = { cluster, ...scopeOf(input), ...given({ node, name }) };
  const found = await untilInterrupted(output, 'Stopped. Nothing was changed.', (signal) =>
    attempted(signal, () => listOnNodes(nodes, wanted, signal)),
  );
  if (found === undefined) return;
  output.result(found, listText(found));
  if (found.silent.length > 0) setExitCode(EXIT.failed);
}

type CreateOptions = PlaceOptions & { keepOnNode?: number; store?: string };

const KEEP =
  'keep this number on each node, with the new one; DELETE older ones that were created with this option';

function registerCreate(snapshots: Command): void {
  const every = 'only on this node (default: on every node that holds a part of it)';
  const what = 'create snapshots, and wait until they are complete';
  const command = snapshotCommand(snapshots, 'create', what, every);
  addExample(command, 'ferry snapshots create prod --collection docs');
  addOnBusy(command)
    .option('--keep-on-node <number>', KEEP, aCount)
    .option('--store <alias>', 'with --keep-on-node: the store of the records (default: defaults.store)')
    .option('--detach', 'start it, print its id and its link, and exit');
  command.action(async (cluster: string) => {
    const options = command.optsWithGlobals<CreateOptions>();
    const output = outputOf(options);
    const { onBusy, keepOnNode, store } = options;
    const input = { ...placeOf(cluster, options), ...given({ onBusy, keepOnNode, store }) };
    const work = { operation: 'create', workflowType: 'createSnapshot', schema: createSnapshotSchema, input };
    tell(await runSnapshotWork<CreateSnapshotResult>(work, options, output), output, createText);
  });
}

function registerDelete(snapshots: Command): void {
  const must = 'the node that has it; always required';
  const what = 'delete one snapshot from one node, by its full name';
  const command = snapshotCommand(snapshots, 'delete', what, must).argument(
    '<NAME>',
    'its full name; no patterns',
  );
  addExample(
    command,
    'ferry snapshots delete prod docs-71-2026-11-27-02-00-00.snapshot --collection docs --node http://n0:6333',
  );
  command.action(async (cluster: string, snapshot: string) => {
    const options = command.optsWithGlobals<PlaceOptions>();
    if (options.node === undefined)
      command.error('error: --node is required: name the node that has the snapshot');
    const output = outputOf(options);
    const input = parseInput(deleteSnapshotSchema, { ...placeOf(cluster, options), snapshot });
    const nodes = await nodesOf(loadConfig(options.config));
    const order = { cluster, node: input.node, name: input.snapshot, ...scopeOf(input) };
    const stopped = 'Stopped. The node may have deleted the snapshot: `ferry snapshots list` shows it.';
    const done = await untilInterrupted(output, stopped, (signal) =>
      attempted(signal, (isRepeated) => deleteOnNode(nodes, order, { isRepeated, signal })),
    );
    if (done !== undefined) output.result(done, deleteText(done));
  });
}
