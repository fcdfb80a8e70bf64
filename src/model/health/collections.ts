// How well the collections of a cluster are protected by the backups in a store: facts in, findings out. At a limit
// nothing is found; beyond it, it is.

import type {
  CheckBackupsInput,
  CheckedCollection,
  CheckProtectionInput,
  Finding,
  FindingKind,
  Status,
} from '../contracts/check-activities.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export type CollectionLimits = Pick<
  CheckBackupsInput,
  'maxAgeHours' | 'maxProofAgeDays' | 'maxRehearsalAgeDays'
>;

/** Backups of one kind of trouble: how many, the newest of them, and what is said of that one. */
export interface Troubled {
  backups: number;
  newest: string;
  reason: string;
}

/** What the store holds of one collection. */
export type CollectionFacts = Omit<CheckedCollection, 'policy' | 'status'> & {
  /** Of the newest backup, where it cannot be used. */
  unusable?: { backup: string; state: string; reason?: string };
  damaged?: Troubled;
  /** Increments whose base is gone, damaged or another one. */
  broken?: Troubled;
  /** Among the newest, of other peers than the cluster's. */
  otherCluster?: Troubled;
  future?: Troubled;
  /** Archived, or written by a newer ferry. */
  unread?: Troubled;
};

export interface OfStore {
  store: string;
  policy?: string | undefined;
}

export interface JudgedCollection {
  checked: CheckedCollection;
  findings: Finding[];
}

export function judgeCollection(
  facts: CollectionFacts,
  limits: CollectionLimits,
  { store, policy }: OfStore,
  now: Date,
): JudgedCollection {
  const place = { ...(policy === undefined ? {} : { policy }), store };
  const { cluster, collection } = facts;
  const findings = [...ageFindings(facts, limits, store, now), ...stateFindings(facts, store)].map((one) => ({
    ...one,
    ...place,
    cluster,
    collection,
  }));
  const { backups, newest, proof, rehearsal, bytes } = facts;
  return {
    checked: {
      ...(policy === undefined ? {} : { policy }),
      ...{ cluster, collection, status: worstOf(findings), backups },
      ...(newest === undefined ? {} : { newest }),
      ...(proof === undefined ? {} : { proof }),
      ...(rehearsal === undefined ? {} : { rehearsal }),
      bytes,
    },
    findings,
  };
}

/**
 * A cluster without any collection, of which there are backups, has lost them all; and patterns that nothing matches protect
 * nothing. Every single backup of it may be in order, and there will be no other. `stored`: of how many there are backups.
 */
export function judgeNothing(
  { cluster, living, collections }: Pick<CheckProtectionInput, 'cluster' | 'living' | 'collections'>,
  { store, policy }: OfStore,
  stored: number,
): Finding[] {
  if (living === undefined || living.collections.length > 0) return [];
  const isEmptied = living.there === 0 && stored > 0;
  if (!isEmptied && collections === undefined) return [];
  const found = isEmptied
    ? warning(
        'nothingToProtect',
        `The cluster ${cluster} has no collections any more, and ${store} has backups of ${stored}: nothing is backed up.`,
        `Find out who removed them. \`ferry restore ${cluster} --cluster ${cluster} --store ${store}\` recovers them; a cluster that is no longer in use is taken out of ferry.yaml.`,
      )
    : warning(
        'nothingToProtect',
        `No collection of ${cluster} matches ${namesText(collections ?? [])}: nothing is backed up.`,
        'Correct `collections` in ferry.yaml, and run `ferry policies apply`.',
      );
  return [{ ...found, ...(policy === undefined ? {} : { policy }), store, cluster }];
}

const MOST_NAMED = 5;

function namesText(names: readonly string[]): string {
  const more = names.length > MOST_NAMED ? `, and ${names.length - MOST_NAMED} more` : '';
  return `${names.slice(0, MOST_NAMED).map(quoted).join(', ')}${more}`;
}

export function worstOf(findings: readonly Pick<Finding, 'severity'>[]): Status {
  if (findings.some(({ severity }) => severity === 'critical')) return 'critical';
  return findings.length > 0 ? 'warning' : 'ok';
}

type Found = Pick<Finding, 'severity' | 'kind' | 'text' | 'hint'>;

// ---- ages -------------------------------------------------------------------------------------------------------------

function ageFindings(facts: CollectionFacts, limits: CollectionLimits, store: string, now: Date): Found[] {
  const { newest, cluster, collection } = facts;
  const what = `"${collection}" of ${cluster}`;
  const backUp = `ferry backup ${cluster} ${quoted(collection)} --store ${store}`;
  if (newest === undefined)
    return [warning('noBackup', noBackupText(facts, what, store), `Run \`${backUp}\`.`)];
  const { maxAgeHours } = limits;
  const age = ageOf(newest.at, now);
  const old = warning(
    'backupTooOld',
    `The newest usable backup of ${what} in ${store}, ${newest.backup}, is ${ageText(age)} old; the limit is ${numberText(maxAgeHours)} h.${unusableText(facts)}`,
    `Find out why its schedule or job did not run (\`ferry status\`), and run \`${backUp}\`.`,
  );
  return [...(age > maxAgeHours * HOUR_MS ? [old] : []), ...proofFindings(facts, limits, store, now)];
}

function noBackupText(facts: CollectionFacts, what: string, store: string): string {
  if (facts.backups === 0) return `${what} has no backup in ${store}.`;
  const many = facts.backups === 1 ? '1 backup, which cannot' : `${facts.backups} backups, none of which can`;
  return `${what} has ${many} be used, in ${store}.${unusableText(facts)}`;
}

function unusableText({ unusable }: CollectionFacts): string {
  if (unusable === undefined) return '';
  const { backup, state, reason } = unusable;
  return ` The last one, ${backup}, is ${state}${reason === undefined ? '' : `: ${reason}`}`;
}

function proofFindings(facts: CollectionFacts, limits: CollectionLimits, store: string, now: Date): Found[] {
  const { proof, rehearsal, cluster, collection } = facts;
  const { maxProofAgeDays, maxRehearsalAgeDays } = limits;
  const what = `"${collection}" of ${cluster}`;
  const hint = `Run \`ferry rehearse SCRATCH ${quoted(collection)} --cluster ${cluster} --store ${store}\`, where SCRATCH is a cluster for rehearsals.`;
  const found: Found[] = [];
  if (proof === undefined)
    found.push(
      warning('noProof', `No usable backup of ${what} in ${store} has a proof of its content.`, hint),
    );
  else if (ageOf(proof.at, now) > maxProofAgeDays * DAY_MS)
    found.push(
      warning(
        'proofTooOld',
        `The newest proof of ${what} in ${store} (${proof.kind}) is ${ageText(ageOf(proof.at, now))} old; the limit is ${numberText(maxProofAgeDays)} days.`,
        hint,
      ),
    );
  if (maxRehearsalAgeDays === undefined) return found;
  const limit = `the limit is ${numberText(maxRehearsalAgeDays)} days.`;
  if (rehearsal === undefined)
    found.push(
      warning('rehearsalTooOld', `No backup of ${what} in ${store} was ever rehearsed; ${limit}`, hint),
    );
  else if (ageOf(rehearsal.at, now) > maxRehearsalAgeDays * DAY_MS) {
    const text = `The last rehearsal of ${what} from ${store} is ${ageText(ageOf(rehearsal.at, now))} old; ${limit}`;
    found.push(warning('rehearsalTooOld', text, hint));
  }
  return found;
}

// ---- states -----------------------------------------------------------------------------------------------------------

function stateFindings(facts: CollectionFacts, store: string): Found[] {
  const { cluster, collection, damaged, broken, otherCluster, future, unread } = facts;
  const of = `of "${collection}" of ${cluster} in ${store}`;
  const found: Found[] = [];
  if (broken)
    found.push({
      severity: 'critical',
      kind: 'chainBroken',
      text: `${plural(broken.backups, 'increment')} ${of} cannot be recovered, because the chain is broken; the newest is ${broken.newest}: ${broken.reason}`,
      hint: `Begin a new chain: \`ferry backup ${cluster} ${quoted(collection)} --format points --store ${store}\`.`,
    });
  if (damaged)
    found.push({
      severity: 'critical',
      kind: 'backupDamaged',
      text: `${plural(damaged.backups, 'backup')} ${of} ${damaged.backups === 1 ? 'is' : 'are'} damaged; the newest is ${damaged.newest}: ${damaged.reason}`,
      hint: `See what is wrong: \`ferry check-backup ${damaged.newest} --cluster ${cluster} --store ${store}\`. Take another backup: \`ferry backup ${cluster} ${quoted(collection)} --store ${store}\`.`,
    });
  if (otherCluster)
    found.push({
      severity: 'critical',
      kind: 'identityMixed',
      text: `${plural(otherCluster.backups, 'backup')} ${of} ${otherCluster.backups === 1 ? 'is' : 'are'} of another cluster; the newest is ${otherCluster.newest}: ${otherCluster.reason}`,
      hint: `Give each cluster an alias, or a store, of its own. If the alias was moved on purpose, run \`ferry backup ${cluster} --new-cluster --store ${store}\`.`,
    });
  if (future)
    found.push(
      warning(
        'backupFromFuture',
        `${plural(future.backups, 'backup')} ${of} ${future.backups === 1 ? 'is' : 'are'} dated in the future; the newest is ${future.newest}: ${future.reason}`,
        `Correct the clock of the worker that took it. It counts for nothing: \`ferry backups forget ${future.newest} --cluster ${cluster} --store ${store}\` removes it.`,
      ),
    );
  if (unread)
    found.push(
      warning(
        'notChecked',
        `${plural(unread.backups, 'backup')} ${of} could not be read; the newest is ${unread.newest}: ${unread.reason}`,
        'Restore what is archived; use the newest ferry for what a newer one wrote.',
      ),
    );
  return found;
}

function warning(kind: FindingKind, text: string, hint: string): Found {
  return { severity: 'warning', kind, text, hint };
}

// ---- figures ------------------------------------------------------------------------------------------------------------

/** What was dated a little ahead of us is new. */
function ageOf(at: string, now: Date): number {
  return Math.max(0, now.getTime() - Date.parse(at));
}

export function ageText(ms: number): string {
  if (ms < 2 * HOUR_MS) return `${Math.round(ms / 60_000)} min`;
  return ms < 2 * DAY_MS ? `${numberText(ms / HOUR_MS)} h` : `${numberText(ms / DAY_MS)} days`;
}

/** At most one decimal. */
export function numberText(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function plural(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? '' : 's'}`;
}

/** As a shell takes it. */
function quoted(name: string): string {
  return /^[A-Za-z0-9_.-]+$/.test(name) ? name : `'${name.replaceAll("'", `'\\''`)}'`;
}
