// What the commands below `ferry snapshots` share.

import { InvalidArgumentError, Option, type Command } from 'commander';
import { given } from '../../model/contracts/snapshot-inputs.js';
import { type Output, setExitCode } from '../terminal/output.js';
import type { WorkEnd, WorkOptions } from './run-snapshot-work.js';

export interface PlaceOptions extends WorkOptions {
  collection?: string;
  shard?: number;
  node?: string;
  onBusy?: string;
}

/** Without --collection the whole storage of a node is meant. */
export function snapshotCommand(
  snapshots: Command,
  name: string,
  what: string,
  node: string,
  collection = 'of this collection (default: of the whole node)',
): Command {
  return snapshots
    .command(name)
    .description(what)
    .argument('<CLUSTER>', 'alias of the cluster, from ferry.yaml')
    .option('--collection <name>', collection)
    .option('--shard <number>', 'of this shard of the collection', aShard)
    .option('--node <url or peer>', node);
}

export function placeOf(cluster: string, { collection, shard, node }: PlaceOptions): { cluster: string } {
  return { cluster, ...given({ collection, shard, node }) };
}

export function addOnBusy(command: Command): Command {
  const text = 'when another job works on the same collection';
  return command.addOption(new Option('--on-busy <choice>', text).choices(['fail', 'wait']));
}

/** Says what came, unless there is nothing to say any more. */
export function tell<Answer>(
  { code, answer }: WorkEnd<Answer>,
  output: Output,
  text: (answer: Answer) => string[],
): void {
  if (answer !== undefined) output.result(answer, text(answer));
  setExitCode(code);
}

function aShard(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('Not the number of a shard.');
  return Number(text);
}

export function aCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('Not a number from 1 on.');
  return Number(text);
}
