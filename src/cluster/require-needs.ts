// Before anything is written: is the cluster there, over REST, and over gRPC where points are needed? Whatever is wrong is
// reported now, under its code. Fails at once, without retries: the user waits for it.

import { FerryError } from '../model/errors.js';
import type { Need } from '../model/contracts/needs.js';
import type { ClusterFacts } from './control-port.js';

const ANSWER_WITHIN_MS = 2_000;

/** Reachable, trusted, authorised? Returns what is worth knowing, a sentence each. */
export async function requireNeeds(
  cluster: ClusterFacts,
  points: Need | undefined,
  signal?: AbortSignal,
): Promise<string[]> {
  try {
    await cluster.version(signal, ANSWER_WITHIN_MS);
    await cluster.collections(signal);
  } catch (error) {
    throw atStart(cluster, error);
  }
  return requirePoints(cluster, points, signal);
}

/** The same of a cluster that has answered over REST. */
export async function requirePoints(
  cluster: ClusterFacts,
  points: Need | undefined,
  signal?: AbortSignal,
): Promise<string[]> {
  if (points === undefined) return [];
  if (cluster.restOnly === true) {
    const note = `"${cluster.alias}" has \`grpc: false\`: its points are read and written over REST as text, bit for bit but more slowly`;
    return [note];
  }
  try {
    await cluster.checkGrpcReachable(signal);
    return [];
  } catch (error) {
    throw isSilence(error) ? grpcMissing(cluster, points, error) : atStart(cluster, error);
  }
}

function isSilence(error: unknown): error is FerryError {
  return error instanceof FerryError && error.code === 'ClusterUnreachable';
}

function grpcMissing(cluster: ClusterFacts, { phases }: Need, error: FerryError): FerryError {
  const happened = `Cluster "${cluster.alias}" answers over REST, but not over gRPC, which this job needs for ${phases.join(', ')}. ${error.happened}`;
  return new FerryError('GrpcMissing', happened, { cause: error, context: error.context });
}

function atStart(cluster: ClusterFacts, error: unknown): unknown {
  if (!(error instanceof FerryError)) return error;
  // No answer and a proxy's 502 both mean: check the address that was just typed.
  const code = error.code === 'QdrantUnavailable' ? 'ClusterUnreachable' : error.code;
  return new FerryError(code, `Cluster "${cluster.alias}": ${error.happened}`, {
    cause: error.cause,
    retryable: false,
    context: error.context,
  });
}
