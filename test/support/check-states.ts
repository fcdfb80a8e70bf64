// Every state that a check tells apart: the policy that meets it, what the table says, and the alert that tells of it. Who
// uses it makes the states real.

import type { FindingKind } from '../../src/model/contracts/check-activities.js';

/** What the table says, and the alert that tells of it. */
export const KINDS: Record<FindingKind, { says: RegExp; alert: string }> = {
  noBackup: { says: /"bare" of source has no backup in disk\./, alert: 'FerryNoBackup' },
  nothingToProtect: {
    says: /No collection of source matches 'tpyo\*': nothing is backed up\./,
    alert: 'FerryCheckWarning',
  },
  backupTooOld: {
    says: /"old" of source in disk, \S+, is 10 days old; the limit is 24 h/,
    alert: 'FerryBackupTooOld',
  },
  proofTooOld: {
    says: /newest proof of "aged" .* is 10 days old; the limit is 7 days/,
    alert: 'FerryProofTooOld',
  },
  noProof: { says: /"unproved" of source in disk has a proof/, alert: 'FerryCheckWarning' },
  rehearsalTooOld: {
    says: /last rehearsal of "aged" .* is 10 days old; the limit is 9 days/,
    alert: 'FerryRehearsalTooOld',
  },
  scheduleSilent: {
    says: /still waits for the run \S+, and has started nothing for \d+(\.\d)? min/,
    alert: 'FerryCheckWarning',
  },
  schedulePaused: { says: /schedule ferry\/paused\/source\/check is paused/, alert: 'FerryCheckWarning' },
  incrementTooSlow: {
    says: /increments of the schedule ferry\/stuck\/source\/incremental took \d+ s/,
    alert: 'FerryCheckWarning',
  },
  queueWithoutWorker: {
    says: /No worker polls the queue elsewhere: jobs wait there/,
    alert: 'FerryQueueWithoutWorker',
  },
  scheduleFailing: {
    says: /The last run of the schedule ferry\/failing\/source\/full, \S+, failed\./,
    alert: 'FerryCheckWarning',
  },
  chainBroken: { says: /1 increment of "chained" .* the chain is broken/, alert: 'FerryCheckCritical' },
  backupDamaged: { says: /1 backup of "chained" .* is damaged/, alert: 'FerryCheckCritical' },
  identityMixed: { says: /1 backup of "mixed" .* is of another cluster/, alert: 'FerryCheckCritical' },
  backupFromFuture: { says: /1 backup of "ahead" .* is dated in the future/, alert: 'FerryCheckWarning' },
  diskFilling: { says: /disk of the state folder on \S+ is \S+ % full/, alert: 'FerryDiskFilling' },
  diskNearlyFull: { says: /disk of the state folder on \S+ is \S+ % full/, alert: 'FerryDiskNearlyFull' },
  notChecked: {
    says: /size of the store far could not be checked: no worker polls the queue elsewhere/,
    alert: 'FerryCheckWarning',
  },
};

/** Whatever the disk of this machine holds. */
export const ROOM = { diskWarningPercent: 100, diskCriticalPercent: 100 };
const FULL = { diskWarningPercent: 1, diskCriticalPercent: 1 };

export interface State {
  policy: string;
  kinds: FindingKind[];
  code: 0 | 1 | 2;
  disks?: typeof ROOM;
}

export const STATES: State[] = [
  { policy: 'well', kinds: [], code: 0 },
  { policy: 'bare', kinds: ['noBackup'], code: 1 },
  { policy: 'typo', kinds: ['nothingToProtect'], code: 1 },
  { policy: 'old', kinds: ['backupTooOld'], code: 1 },
  { policy: 'aged', kinds: ['proofTooOld'], code: 1 },
  { policy: 'unproved', kinds: ['noProof'], code: 1 },
  { policy: 'unrehearsed', kinds: ['rehearsalTooOld'], code: 1 },
  { policy: 'stuck', kinds: ['scheduleSilent', 'queueWithoutWorker', 'notChecked'], code: 1 },
  { policy: 'paused', kinds: ['schedulePaused'], code: 1 },
  { policy: 'failing', kinds: ['scheduleFailing'], code: 1 },
  { policy: 'chained', kinds: ['chainBroken', 'backupDamaged'], code: 2 },
  { policy: 'mixed', kinds: ['identityMixed'], code: 2 },
  { policy: 'ahead', kinds: ['backupFromFuture'], code: 1 },
  { policy: 'filling', kinds: ['diskFilling'], code: 1, disks: { ...FULL, diskCriticalPercent: 100 } },
  { policy: 'full', kinds: ['diskNearlyFull'], code: 2, disks: FULL },
];

/** None of them is checked by itself meanwhile. */
const policyOf = (collection: string, more = '') =>
  `{ clusters: [source], store: disk, collections: [${collection}], check: every 100d, notify: [ops]${more} }`;
const OF_WELL = ['well', 'paused', 'filling', 'full'].map((policy) => [policy, policyOf('well')]);
const OF_THEIR_OWN = ['bare', 'old', 'aged', 'unproved', 'chained', 'mixed', 'ahead'].map((name) => [
  name,
  policyOf(name),
]);
/** As ferry.yaml has them. */
export const POLICIES = Object.fromEntries([
  ...OF_WELL,
  ...OF_THEIR_OWN,
  ['typo', policyOf("'tpyo*'")],
  ['unrehearsed', policyOf('aged', ', maxProofAgeDays: 30, maxRehearsalAgeDays: 9')],
  [
    'failing',
    policyOf('well', ', full: every 100d, maxAgeHours: 24').replace('store: disk', 'store: locked'),
  ],
  [
    'stuck',
    policyOf('well', ', incremental: every 1m, maxAgeHours: 24').replace('store: disk', 'store: far'),
  ],
]) as Record<string, string>;
