// The connection of a worker. A server that is not there yet is waited for: in a compose file or a cluster the two
// start in any order.

import type { ClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection, TransportError } from '@temporalio/worker';
import { FerryError } from '../model/errors.js';

const PATIENCE_MS = 120_000;
const PAUSE_MS = 2_000;

export async function connectWorker(settings: ClientConnectConfig): Promise<NativeConnection> {
  const address = settings.connectionOptions.address ?? '';
  const deadline = Date.now() + PATIENCE_MS;
  for (let told = false; ; told = true) {
    try {
      return await NativeConnection.connect(settings.connectionOptions);
    } catch (cause) {
      if (!(cause instanceof TransportError) || Date.now() > deadline) throw unreachable(address, cause);
      if (!told) process.stderr.write(`waiting for the Temporal server at ${address}\n`);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

function unreachable(address: string, cause: unknown): FerryError {
  return new FerryError(
    'InvalidConfig',
    'The Temporal server cannot be reached; check TEMPORAL_ADDRESS, or `temporal.address` in ferry.yaml',
    { cause, context: { address } },
  );
}
