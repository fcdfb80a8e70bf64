// What Temporal keeps: results, descriptions and histories, read with the ordinary client.

import { Client, Connection } from '@temporalio/client';
import type { TemporalServer } from '../../src/local/index.js';

export async function withClient<T>(
  temporal: Pick<TemporalServer, 'address'>,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const connection = await Connection.connect({ address: temporal.address });
  try {
    return await work(new Client({ connection }));
  } finally {
    await connection.close();
  }
}

export async function resultOf<T>(temporal: Pick<TemporalServer, 'address'>, workflowId: string): Promise<T> {
  return withClient(temporal, async (client) => (await client.workflow.getHandle(workflowId).result()) as T);
}
