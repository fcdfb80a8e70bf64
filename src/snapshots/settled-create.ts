// Every call by which a node makes a snapshot for the administration goes through here. Qdrant goes on with it when its
// client has left, also behind a proxy that answered 504: a call whose answer was not heard is a running call, and another
// one would make a second file. Promises that none is sent beside it. docs/decisions/0011-lost-answers.md
//
//   1. Before the call, the flight is recorded where the next attempt finds it: the names that lie there, and what the node
//      tells of its work.
//   2. Qdrant's own answer, good or bad, ends the flight. Anything else is unheard: the node is asked until it shows the end.
//        none is running and a name is new             that file is taken
//        the node was started again                    the call died with it
//        an answer counted by the node, and no file    it failed
//        none is running for a while, and no file      it never began, or failed
//   3. The same for the flight of an earlier attempt, before anything else.
//   4. What does not end by any sign is `SnapshotUnsettled`.

import { FerryError, LostAnswer } from '../model/errors.js';
import { isNamedAs } from '../model/snapshot-names.js';
import { AN_EARLIER_ATTEMPT, moreAnswers, type FlightLog } from '../shards/settled-call.js';
import { untilItShows } from '../shards/until-it-shows.js';
import type { CreationSigns, NodeFile, SnapshotNode, SnapshotSource } from '../cluster/snapshots-port.js';

/** A call that may be going on. Stands in heartbeats. */
export interface CreateFlight {
  /** Names that lay there before. */
  before: string[];
  /** Absent where the node does not tell. */
  signs?: Omit<CreationSigns, 'running'>;
}

export interface CreateSite {
  node: SnapshotNode;
  source: SnapshotSource;
  log: FlightLog<CreateFlight>;
  signal: AbortSignal;
  /** For tests. */
  patienceMs?: number;
}

/** `before`: the names that lay there when it was asked for. */
export interface Created {
  made: NodeFile;
  before: string[];
}

export async function settledCreate(site: CreateSite): Promise<Created> {
  const { node, source, log, signal } = site;
  const earlier = log.last && (await settle(site, log.last, AN_EARLIER_ATTEMPT));
  if (log.last && earlier) return { made: earlier, before: log.last.before };
  const flight = await flightAt(site);
  await log.remember(flight);
  try {
    const made = await node.create(source, signal);
    return { made, before: flight.before };
  } catch (error) {
    // Called back, the flight stays on record: who comes next waits for it.
    if (signal.aborted) throw error;
    const made = error instanceof LostAnswer ? await settle(site, flight, error.happened) : undefined;
    if (made) return { made, before: flight.before };
    await log.remember(null);
    throw error;
  }
}

async function flightAt(site: CreateSite): Promise<CreateFlight> {
  const { node, source, signal } = site;
  const [files, signs] = await Promise.all([ownFiles(site), node.creations(source, signal)]);
  const before = files.map(({ name }) => name);
  if (signs === undefined) return { before };
  const { running: _running, ...now } = signs;
  return { before, signs: now };
}

/** By name, which is by time. Where Qdrant keeps snapshots in S3 its lists mix everything. */
async function ownFiles({ node, source, signal }: CreateSite): Promise<NodeFile[]> {
  const scope = source === 'storage' ? {} : source;
  const own = (await node.list(source, signal)).filter(({ name }) => isNamedAs(scope, name));
  return own.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** A creation shows as running from its first moment on, until its file is in the list. */
const SHOWS_WITHIN_MS = 10_000;
/** Where nothing shows: the node does not tell, or it puts the files of its whole storage into one archive. */
const PATIENCE_MS = 30 * 60_000;

type Outcome = NodeFile | 'ended';

/** The file; undefined when the call has ended without one. */
async function settle(site: CreateSite, flight: CreateFlight, why: string): Promise<NodeFile | undefined> {
  const patienceMs = site.patienceMs ?? PATIENCE_MS;
  let lastSign = performance.now();
  const outcome = await untilItShows<Look, Outcome>({
    why,
    look: () => lookAt(site),
    isRunning: ({ signs }) => (signs?.running ?? 0) > 0,
    judge: (look) => judge(flight, look),
    judgeSilence: (look, now) => {
      if ((look?.signs?.running ?? 0) > 0) lastSign = now;
      const isQuiet = now - lastSign > SHOWS_WITHIN_MS;
      return isQuiet && look !== undefined && mustShow(site, flight, look) ? 'ended' : undefined;
    },
    patienceMs,
    unheard: () => unheard(site, patienceMs),
    waits: (forWhat) => site.log.waits?.(forWhat),
    signal: site.signal,
  });
  return outcome === 'ended' ? undefined : outcome;
}

interface Look {
  files: NodeFile[];
  signs: CreationSigns | undefined;
}

/** The list after the signs: what has ended by then is in it. An error where the node does not answer. */
async function lookAt(site: CreateSite): Promise<Look | Error> {
  try {
    const signs = await site.node.creations(site.source, site.signal);
    return { signs, files: await ownFiles(site) };
  } catch (error) {
    site.signal.throwIfAborted();
    if (error instanceof FerryError && !error.retryable) throw error;
    return error instanceof Error ? error : new Error(String(error));
  }
}

function judge({ before, signs: then }: CreateFlight, { files, signs }: Look): Outcome | undefined {
  if (signs !== undefined && signs.running > 0) return undefined;
  const made = files.find(({ name }) => !before.includes(name));
  if (made) return made;
  if (then === undefined || signs === undefined) return undefined;
  if (signs.startedAt !== then.startedAt) return 'ended';
  return moreAnswers(then.answers, signs.answers).length > 0 ? 'ended' : undefined;
}

/** Whether a creation that goes on would show. */
function mustShow({ source }: CreateSite, { signs: then }: CreateFlight, { signs }: Look): boolean {
  if (then === undefined || signs === undefined) return false;
  return source !== 'storage' || signs.begun === then.begun;
}

function unheard({ node }: CreateSite, waitedMs: number): FerryError {
  const happened = `${node.url} was requested to create a snapshot, did not answer, and showed no sign in ${Math.round(waitedMs / 1_000)} s that it has finished: the file may still appear`;
  return new FerryError('SnapshotUnsettled', happened, { context: { node: node.url } });
}
