// Whether a gRPC server listens at an address: it must speak first, with HTTP/2 settings. Notices a wrong port, a REST
// port, a missing certificate within two seconds; does not try the API key.

import { connect } from 'node:http2';
import { tlsOf, type ClusterConnection } from '../model/cluster.js';
import { FerryError } from '../model/errors.js';
import { transportFailure } from './rest-failures.js';

const ANSWER_WITHIN_MS = 2_000;

export async function checkGrpcReachable(
  grpcUrl: string,
  cluster: ClusterConnection,
  signal?: AbortSignal,
): Promise<void> {
  signal?.throwIfAborted();
  const where = { cluster: cluster.alias, node: grpcUrl };
  const session = connect(grpcUrl, tlsOf(cluster));
  const silence = new FerryError('ClusterUnreachable', `No gRPC server answers at ${grpcUrl}`, {
    context: where,
  });
  try {
    await new Promise<void>((resolve, reject) => {
      session.once('remoteSettings', () => resolve());
      session.once('error', (error) => {
        const failure = transportFailure(error, where);
        reject(failure.code === 'QdrantUnavailable' ? silence : failure); // it speaks, but no HTTP/2
      });
      session.once('close', () => reject(silence));
      session.setTimeout(ANSWER_WITHIN_MS, () => reject(silence));
      signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });
  } finally {
    session.on('error', () => {});
    session.destroy();
  }
}
