// `ferry snapshots …`: Qdrant's own snapshots, on every node of a cluster.

import type { Command } from 'commander';
import type {
  CreateSnapshotResult,
  DeleteSnapshotResult,
  ListSnapshotsResult,
} from '../../model/contracts/snapshot-activities.js';
import {
  createSnapshotSchema,
  deleteSnapshotSchema,
  given,
  listSnapshotsSchema,
} from '../../model/contracts/snapshot-inputs.js';
import { EXIT } from '../terminal/exit-codes.js';
import { outputOf, setExitCode } from '../terminal/global-options.js';
import { runSnapshotWork, type WorkEnd } from './run-snapshot-work.js';
import { addOnBusy, placeOf, snapshotCommand, tell, type PlaceOptions } from './snapshot-command.js';
import { registerDownload } from './snapshots-download.js';
import { registerRecover } from './snapshots-recover.js';
import { createText, deleteText, listText } from './snapshot-text.js';

export function registerSnapshots(program: Command): void {
  const snapshots = program
    .command('snapshots')
    .description("Qdrant's own snapshots on the nodes of a cluster: list, create, delete, recover, download");
  registerList(snapshots);
  registerCreate(snapshots);
  registerDelete(snapshots);
  registerRecover(snapshots);
  registerDownload(snapshots);
}

function registerList(snapshots: Command): void {
  const every = 'only on this node (default: on every one)';
  const command = snapshotCommand(
    snapshots,
    'list',
    'what lies on the nodes, asked of each node itself',
    every,
  );
  command.action(async (cluster: string) => {
    const options = command.optsWithGlobals<PlaceOptions>();
    const output = outputOf(options);
    const work = { operation: 'list', workflowType: 'listSnapshots', schema: listSnapshotsSchema };
    const input: Record<string, unknown> = placeOf(cluster, options);
    const whole = await allPages((after) =>
      runSnapshotWork<ListSnapshotsResult>(
        { ...work, input: { ...input, ...given({ after }) } },
        options,
        output,
      ),
    );
    tell(whole, output, listText);
    if (whole.answer && whole.answer.silent.length > 0) setExitCode(EXIT.failed);
  });
}

async function allPages(
  page: (after?: string) => Promise<WorkEnd<ListSnapshotsResult>>,
): Promise<WorkEnd<ListSnapshotsResult>> {
  const first = await page();
  const snapshots = [...(first.answer?.snapshots ?? [])];
  let next = first.answer?.next;
  while (next !== undefined) {
    const more = await page(next);
    if (!more.answer) return more;
    snapshots.push(...more.answer.snapshots);
    next = more.answer.next;
  }
  if (!first.answer) return first;
  const { next: _next, ...answer } = first.answer;
  return { ...first, answer: { ...answer, snapshots } };
}

function registerCreate(snapshots: Command): void {
  const every = 'only on this node (default: on every one that holds a part of it)';
  const command = snapshotCommand(
    snapshots,
    'create',
    'make snapshots, and wait until they lie there',
    every,
  );
  addOnBusy(command).option('--detach', 'start it, print its id and its link, and leave');
  command.action(async (cluster: string) => {
    const options = command.optsWithGlobals<PlaceOptions>();
    const output = outputOf(options);
    const input = { ...placeOf(cluster, options), ...given({ onBusy: options.onBusy }) };
    const work = { operation: 'create', workflowType: 'createSnapshot', schema: createSnapshotSchema, input };
    tell(await runSnapshotWork<CreateSnapshotResult>(work, options, output), output, createText);
  });
}

function registerDelete(snapshots: Command): void {
  const must = 'the node on which it lies; always needed';
  const what = 'delete one snapshot, by its full name, from one node';
  const command = snapshotCommand(snapshots, 'delete', what, must);
  command.argument('<NAME>', 'its full name; no patterns');
  command.action(async (cluster: string, snapshot: string) => {
    const options = command.optsWithGlobals<PlaceOptions>();
    const output = outputOf(options);
    if (options.node === undefined) command.error('error: --node is needed: name the node on which it lies');
    const input = { ...placeOf(cluster, options), snapshot };
    const work = { operation: 'delete', workflowType: 'deleteSnapshot', schema: deleteSnapshotSchema, input };
    tell(await runSnapshotWork<DeleteSnapshotResult>(work, options, output), output, deleteText);
  });
}
