// Every call by which a node recovers a snapshot goes through here. Qdrant goes on with a recovery whose client has left,
// also behind a proxy that answered 504: a call whose answer was not heard is a running call, and would replace what the
// application writes later. Promises that nothing takes its place before it has ended. docs/decisions/0011-lost-answers.md
//
//   1. Before a call can take effect, the flight is recorded where the next attempt finds it.
//   2. Qdrant's own answer, good or bad, ends the flight. Anything else is unheard: the node is asked until it shows the end.
//        points in a shard that was empty          the call brought them: recovered
//        the node was started again                the call died with it
//        an answer counted by the node itself      where no other call of ours can be meant
//        no sign, after a push                     it begins at once, or never
//   3. The same for the flight of an earlier attempt, before anything else.
//   4. What does not end by any sign is `RecoveryUnsettled`: only the workflow can make it harmless, by deleting the
//      collection that was made for it.

import { FerryError, LostAnswer } from '../model/errors.js';
import type { RecoverySigns, ShardNode, SnapshotFile } from '../cluster/receiver-port.js';
import { untilItShows } from './until-it-shows.js';

/** A call that may be going on. Stands in heartbeats. */
export interface Flight {
  via: 'pull' | 'push';
  /** The shard held no points before. */
  wasEmpty: boolean;
  /** Of the node's process, and its answers so far; absent where it does not tell. */
  startedAt?: string;
  answers?: RecoverySigns['answers'];
}

export interface FlightLog<F = Flight> {
  /** What the attempt before left; null for no flight. */
  last: F | null;
  /** Resolves when the next attempt is sure to find it. */
  remember(flight: F | null): Promise<void>;
  /** Tells whoever watches the job what is waited for; undefined when that is over. */
  waits?(forWhat: string | undefined): void;
}

export interface CallSite {
  node: ShardNode;
  log: FlightLog;
  signal: AbortSignal;
  /** Of the file, where known: how long a node may work on it without a sign. */
  bytes?: number;
  /** No other call of ours goes to this node at the same time, so that its count of answers tells of this one. */
  isAlone?: boolean;
  /** A whole collection: its download counts as running, too, and how many points it held before says nothing. */
  isWhole?: boolean;
  /** For tests. */
  patienceMs?: number;
}

/** `found`: the answer was not heard, and the node has what the call was to bring. */
export type Settled = 'heard' | 'found';

export async function settledPull(site: CallSite, pull: () => Promise<void>): Promise<Settled> {
  const flight = await flightAt(site, 'pull');
  await site.log.remember(flight);
  return settled(site, flight, pull);
}

/** Without the last bytes of its body a push changes nothing: the flight begins there. */
export async function settledPush(
  site: CallSite,
  file: SnapshotFile,
  push: (file: SnapshotFile) => Promise<void>,
): Promise<Settled> {
  const flight = await flightAt(site, 'push');
  const body = async function* () {
    yield* file.body;
    await site.log.remember(flight);
  };
  return settled(site, flight, () => push({ ...file, body: body() }));
}

/** First of all in an attempt. `found`: nothing is left to do. Undefined: nothing is in flight. */
export async function settleEarlier(site: CallSite): Promise<'found' | undefined> {
  const { last } = site.log;
  if (last === null) return undefined;
  const outcome = await settle(site, last, AN_EARLIER_ATTEMPT);
  await site.log.remember(null);
  return outcome === 'recovered' ? 'found' : undefined;
}

/** After the last attempt: no other call may be sent beside one that may be going on. */
export function requireEnded(flight: Flight | null | undefined, shard: number): void {
  if (!flight) return;
  const happened = `A node may still be recovering shard ${shard}, and every attempt ended before it did`;
  throw new FerryError('RecoveryUnsettled', happened, { context: { shard } });
}

async function settled(site: CallSite, flight: Flight, call: () => Promise<void>): Promise<Settled> {
  try {
    await call();
  } catch (error) {
    // Called back, the flight stays on record: who comes next waits for it.
    if (site.signal.aborted) throw error;
    if (error instanceof LostAnswer && (await settle(site, flight, error.happened)) === 'recovered') {
      await site.log.remember(null);
      return 'found';
    }
    await site.log.remember(null);
    throw error;
  }
  await site.log.remember(null);
  return 'heard';
}

async function flightAt({ node, signal, isWhole }: CallSite, via: Flight['via']): Promise<Flight> {
  const [points, signs] = await Promise.all([isWhole ? undefined : node.points(signal), node.signs(signal)]);
  const { startedAt, answers } = signs ?? {};
  return {
    via,
    wasEmpty: points === 0,
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(answers === undefined ? {} : { answers }),
  };
}

/** How slow a node may read a file before it is taken for stuck. */
const SLOWEST_BYTES_PER_SECOND = 1_000_000;
const LEAST_PATIENCE_MS = 90_000;
const MOST_PATIENCE_MS = 12 * 3_600_000;
/** From the end of a push until the node shows a recovery: the form's file is written and hashed first. */
const PUSH_BEGINS_WITHIN_MS = 15_000;
const HASHED_BYTES_PER_SECOND = 100_000_000;
/** A collection's recovery shows from its first byte on. */
const WHOLE_BEGINS_WITHIN_MS = 10_000;

type Outcome = 'recovered' | 'failed';

export const AN_EARLIER_ATTEMPT = 'An earlier attempt ended before the node had answered';

/** `why` its answer was not heard. */
function settle(site: CallSite, flight: Flight, why: string): Promise<Outcome> {
  const patienceMs = site.patienceMs ?? patienceFor(site.bytes);
  const startsWithin = startsWithinMs(site, flight);
  let quietSince = performance.now();
  return untilItShows<Look, Outcome>({
    why,
    look: () => lookAt(site),
    isRunning: ({ signs }) => (signs?.running ?? 0) > 0,
    judge: (look) => judge(site, flight, look),
    judgeSilence: (look, now) => {
      if (look?.signs === undefined || look.signs.running > 0) quietSince = now;
      return now - quietSince > startsWithin ? 'failed' : undefined;
    },
    patienceMs,
    unheard: (last) => unheard(flight, patienceMs, last),
    waits: (forWhat) => site.log.waits?.(forWhat),
    signal: site.signal,
  });
}

interface Look {
  points: number | undefined;
  signs: RecoverySigns | undefined;
}

/** An error where the node does not answer: it may be loading the shard, or be away, or refuse a key. */
async function lookAt({ node, signal, isWhole }: CallSite): Promise<Look | Error> {
  try {
    const signs = await node.signs(signal);
    const points = isWhole ? undefined : await node.points(signal);
    return { points, signs };
  } catch (error) {
    signal.throwIfAborted();
    return error instanceof Error ? error : new Error(String(error));
  }
}

function judge({ isAlone, isWhole }: CallSite, flight: Flight, look: Look): Outcome | undefined {
  const { points = 0, signs } = look;
  if (signs !== undefined && signs.running > 0 && (isAlone || isWhole)) return undefined;
  if (flight.wasEmpty && points > 0) return 'recovered';
  if (signs === undefined) return undefined;
  if (flight.startedAt !== undefined && signs.startedAt !== flight.startedAt) return 'failed';
  if (!isAlone || flight.answers === undefined) return undefined;
  const more = moreAnswers(flight.answers, signs.answers);
  if (more.length === 0) return undefined;
  return more.every((status) => status.startsWith('2')) ? 'recovered' : 'failed';
}

/** Statuses that were answered since. */
export function moreAnswers(before: RecoverySigns['answers'], now: RecoverySigns['answers']): string[] {
  return Object.keys(now).filter((status) => (now[status] ?? 0) > (before[status] ?? 0));
}

function patienceFor(bytes = 0): number {
  const needed = LEAST_PATIENCE_MS + (bytes / SLOWEST_BYTES_PER_SECOND) * 1_000;
  return Math.min(MOST_PATIENCE_MS, needed);
}

/** Without a sign of a recovery for so long, there is none. */
function startsWithinMs({ isWhole, bytes = 0 }: CallSite, { via }: Flight): number {
  if (isWhole && via === 'pull') return WHOLE_BEGINS_WITHIN_MS;
  if (via === 'push') return PUSH_BEGINS_WITHIN_MS + (bytes / HASHED_BYTES_PER_SECOND) * 1_000;
  return Infinity;
}

function unheard({ via }: Flight, waitedMs: number, seen: Look | Error): FerryError {
  const how = via === 'pull' ? 'requested to fetch' : 'sent';
  const happened = `A node that was ${how} a snapshot did not answer, and showed no sign in ${Math.round(waitedMs / 1_000)} s that it has finished: it may still replace the content of the shard`;
  const last = seen instanceof FerryError ? ` (polled again, it did not answer: ${seen.happened})` : '';
  return new FerryError('RecoveryUnsettled', `${happened}${last}`);
}
