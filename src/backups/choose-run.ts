// Which runs a recovery goes by. Without anything named: the newest run that has ended, of all collections, of the
// cluster that the newest backup is of; so the result is the state of one moment and not a union of many nights. Where
// policies share a cluster between them by patterns: the newest run of each, so one moment for each policy. What the
// patterns of a newer run select, older runs say nothing about.
// Promises to name what it passes over: interrupted runs, those of other clusters, those dated in the future, and
// collections that older runs hold and this one does not.

import type { ResolveRecoveryInput } from '../model/contracts/recovery-activities.js';
import type { BackupDocument, StartedDocument } from '../model/format/run-documents.js';
import { isPattern, isSelected, type Selection } from '../model/name-patterns.js';
import { clusterText, identityOf, SameCluster, type Run } from './catalogue/read-run.js';
import type { Runs } from './runs.js';

/** Older runs that are looked at for collections that have been dropped since: a restore shall not read them all. */
const LOOKED_BACK = 30;

export interface Choice {
  /** What a recovery of all collections goes by, newest first: one of each policy, up to one of all. Empty where there is none. */
  going: Run[];
  /** Whose aliases count. */
  aliases?: readonly { alias: string; collection: string }[];
  /** Identity of the cluster whose backups count. */
  same: SameCluster;
  notes: string[];
}

export async function chooseRun(runs: Runs, input: ResolveRecoveryInput): Promise<Choice> {
  const known = input.backup ?? input.run?.backup;
  const choice =
    known === undefined
      ? await newestRuns(runs, input)
      : await namedRuns(runs, [known, ...(input.run?.more ?? [])]);
  const aliases = choice.aliases ?? runDocument(choice.going[0])?.aliases;
  return { ...choice, ...(aliases === undefined ? {} : { aliases }) };
}

function runDocument(run: Run | undefined): BackupDocument | StartedDocument | undefined {
  return run?.document ?? run?.started;
}

/** Taken as they are, whatever speaks against them: that is told. */
async function namedRuns(runs: Runs, backups: readonly string[]): Promise<Choice> {
  const going = await Promise.all(backups.map((backup) => runs.read(backup)));
  const same = new SameCluster();
  const notes: string[] = [];
  for (const run of going) {
    same.add(identityOf(run));
    if (run.isFuture) notes.push(`${run.backup} is dated in the future: it is unknown when it was taken.`);
    if (run.fault !== undefined) notes.push(`${run.backup}: ${run.fault}.`);
  }
  return { going, same, notes };
}

async function newestRuns(runs: Runs, input: ResolveRecoveryInput): Promise<Choice> {
  const same = new SameCluster();
  const passed = new PassedOver();
  const isForAll = isOfAll(input);
  const going: Run[] = [];
  let newestAliases: Choice['aliases'];
  for await (const run of runs.newest()) {
    if (!same.has(identityOf(run))) passed.other(run);
    else {
      same.add(identityOf(run));
      newestAliases ??= runDocument(run)?.aliases;
      if (isWhole(run) && run.document?.scope !== 'named') addNewestOf(going, run);
      else passed.notWhole(run);
    }
    if (coversAll(going.at(-1)) || (!isForAll && newestAliases !== undefined)) break;
  }
  const notes = [...(await futureOnes(runs)), ...passed.notes(isForAll)];
  if (isForAll) notes.push(...severalText(going));
  const aliases = isForAll ? undefined : newestAliases;
  return { same, notes, going, ...(aliases === undefined ? {} : { aliases }) };
}

/** Names are looked up one by one; everything else is about all that there is, or what patterns leave of it. */
export function isOfAll({ collections, exclude, sample, onlyUnproven }: ResolveRecoveryInput): boolean {
  if (collections === undefined || exclude !== undefined) return true;
  return sample !== undefined || onlyUnproven === true || collections.some(isPattern);
}

function isWhole({ document }: Run): boolean {
  return document !== undefined && !document.interrupted && document.collections.length > 0;
}

function coversAll(run: Run | undefined): boolean {
  return run?.document?.scope === 'all';
}

/** Of each policy the newest run; a later change of its patterns is what counts. */
function addNewestOf(going: Run[], run: Run): void {
  const { scope, policy } = run.document ?? {};
  const isThere = scope === 'policy' && going.some(({ document }) => document?.policy === policy);
  if (!isThere) going.push(run);
}

function severalText(going: readonly Run[]): string[] {
  if (going.length === 0)
    return ['No run covered all collections of the cluster: each comes from its own newest backup.'];
  if (going.length === 1) return [];
  const parts = going.map(({ backup, document }) =>
    document?.scope === 'all' ? `everything else: ${backup}` : `policy ${document?.policy}: ${backup}`,
  );
  return [`Several policies cover the cluster, so this is not one moment. ${parts.join('; ')}.`];
}

/** Which run each collection comes from. */
export async function homesOf(runs: Runs, { going }: Choice): Promise<Map<string, Run>> {
  const homes = new Map<string, Run>();
  const claims: Selection[] = [];
  for (const run of going) {
    for (const name of await runs.namesIn(run)) {
      if (!claims.some((claim) => isSelected(claim, name))) homes.set(name, run);
    }
    claims.push(run.document?.selection ?? {});
  }
  return homes;
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

/** Names that older runs hold and the chosen ones do not, with the newest run of each. */
export async function droppedSince(
  runs: Runs,
  { going, same }: Choice,
  { all, there }: { all: boolean; there: ReadonlyMap<string, unknown> },
): Promise<{ dropped: Map<string, string>; notes: string[] }> {
  const dropped = new Map<string, string>();
  const [newest] = going;
  if (newest === undefined) return { dropped, notes: [] };
  const others: Run[] = [];
  let looked = 0;
  // Of several, the newer ones may lack what the older ones hold.
  for await (const run of runs.newest(going.length === 1 ? newest.backup : undefined)) {
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
