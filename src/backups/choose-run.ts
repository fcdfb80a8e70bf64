// Which runs a recovery goes by. Without anything named: the newest run that has ended, of all collections, of the
// cluster that the newest backup is of; so the result is the state of one moment and not a union of many nights.
// Promises to name what it passes over: interrupted runs, those of other clusters, those dated in the future, and
// collections that older runs hold and this one does not.

import type { ResolveRecoveryInput } from '../model/contracts/recovery-activities.js';
import type { BackupDocument, StartedDocument } from '../model/format/run-documents.js';
import { clusterText, identityOf, SameCluster, type Run } from './catalogue/read-run.js';
import type { Runs } from './runs.js';

/** Older runs that are looked at for collections that have been dropped since: a restore shall not read them all. */
const LOOKED_BACK = 30;

export interface Choice {
  /** What a recovery of all collections goes by; absent where no run covered them all. */
  base?: Run;
  /** Whose aliases count. */
  aliases?: readonly { alias: string; collection: string }[];
  /** Identity of the cluster whose backups count. */
  same: SameCluster;
  notes: string[];
}

export async function chooseRun(runs: Runs, input: ResolveRecoveryInput): Promise<Choice> {
  const known = input.backup ?? input.run?.backup;
  const choice = known === undefined ? await newestRun(runs, input) : await namedRun(runs, known);
  const aliases = choice.aliases ?? runDocument(choice.base)?.aliases;
  return { ...choice, ...(aliases === undefined ? {} : { aliases }) };
}

function runDocument(run: Run | undefined): BackupDocument | StartedDocument | undefined {
  return run?.document ?? run?.started;
}

/** Taken as it is, whatever speaks against it: that is told. */
async function namedRun(runs: Runs, backup: string): Promise<Choice> {
  const base = await runs.read(backup);
  const same = new SameCluster();
  same.add(identityOf(base));
  const notes = base.isFuture ? [`${backup} is dated in the future: it is unknown when it was taken.`] : [];
  if (base.fault !== undefined) notes.push(`${backup}: ${base.fault}.`);
  return { base, same, notes };
}

async function newestRun(runs: Runs, input: ResolveRecoveryInput): Promise<Choice> {
  const same = new SameCluster();
  const passed = new PassedOver();
  let newestAliases: Choice['aliases'];
  let base: Run | undefined;
  for await (const run of runs.newest()) {
    if (!same.has(identityOf(run))) passed.other(run);
    else {
      same.add(identityOf(run));
      newestAliases ??= runDocument(run)?.aliases;
      if (coversAll(run)) base = run;
      else passed.notWhole(run);
    }
    if (base !== undefined || (input.collections !== undefined && newestAliases !== undefined)) break;
  }
  const notes = [...(await futureOnes(runs)), ...passed.notes(input.collections === undefined)];
  if (base === undefined && input.collections === undefined)
    notes.push('No run covered all collections of the cluster: each comes from its own newest backup.');
  const aliases = input.collections === undefined ? undefined : newestAliases;
  return {
    same,
    notes,
    ...(base === undefined ? {} : { base }),
    ...(aliases === undefined ? {} : { aliases }),
  };
}

function coversAll({ document }: Run): boolean {
  return document?.scope === 'all' && !document.interrupted && document.collections.length > 0;
}

async function futureOnes(runs: Runs): Promise<string[]> {
  const notes: string[] = [];
  // In order of their ids those that are later than now come last; one read run may be of the future as well.
  for (const id of (await runs.ids()).slice(-3)) {
    const run = await runs.read(id);
    if (run.isFuture) notes.push(`Passed over ${id}: it is dated in the future.`);
  }
  return notes;
}

/** Runs newer than the one that is taken. */
class PassedOver {
  readonly #others: Run[] = [];
  readonly #notWhole: Run[] = [];

  other(run: Run): void {
    this.#others.push(run);
  }

  notWhole(run: Run): void {
    this.#notWhole.push(run);
  }

  notes(isForAll: boolean): string[] {
    const notes: string[] = [];
    const [other] = this.#others;
    if (other) notes.push(otherCluster(other, this.#others.length));
    if (!isForAll) return notes;
    for (const run of this.#notWhole.slice(0, 3))
      notes.push(`${run.backup} does not list all collections of the cluster: ${whyNot(run)}.`);
    return notes;
  }
}

function otherCluster(run: Run, count: number): string {
  const many = count === 1 ? '' : ` and ${count - 1} more`;
  return `Passed over ${run.backup}${many}: it is of ${clusterText(identityOf(run))}, and the newest backup is of another cluster. To recover it, name it with \`backup\`.`;
}

function whyNot({ document, fault }: Run): string {
  if (fault !== undefined) return fault;
  if (document === undefined) return 'it has not finished, or its backup.json was not written';
  if (document.interrupted) return 'it was interrupted';
  return document.scope === 'named' ? 'it holds only some of the collections' : 'it holds no collection';
}

/** Names that older runs hold and the base does not, with the newest run of each. */
export async function droppedSince(
  runs: Runs,
  { base, same }: Choice,
  { all }: { all: boolean },
): Promise<{ dropped: Map<string, string>; notes: string[] }> {
  const dropped = new Map<string, string>();
  if (base === undefined) return { dropped, notes: [] };
  const there = new Set(await runs.namesIn(base));
  const others: Run[] = [];
  let looked = 0;
  for await (const run of runs.newest(base.backup)) {
    if (!all && looked++ >= LOOKED_BACK) break;
    if (!same.has(identityOf(run))) {
      others.push(run);
      continue;
    }
    same.add(identityOf(run));
    for (const name of await runs.namesIn(run)) {
      if (!there.has(name) && !dropped.has(name)) dropped.set(name, run.backup);
    }
  }
  const [other] = others;
  return { dropped, notes: other ? [otherCluster(other, others.length)] : [] };
}
