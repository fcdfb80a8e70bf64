// The test stack with a place for backups: a real S3 gateway, and a folder on this disk.

import { join } from 'node:path';
import { startS3Gateway, type S3Gateway } from '../../src/local/index.js';
import { startTestStack, type TestStack, type TestStackOptions } from './test-stack.js';

export interface BackupStack extends TestStack {
  gateway: S3Gateway;
  /** As ferry.yaml has it. */
  stores: Record<string, Record<string, unknown>>;
}

export async function startBackupStack(options: TestStackOptions = {}): Promise<BackupStack> {
  const gateway: { server?: S3Gateway } = {};
  const stores = async (folder: string) => {
    gateway.server = await startS3Gateway({
      folder: join(folder, 's3'),
      bucket: 'backups',
      accessKeyId: 'ferry',
      secretAccessKey: 'a-key-of-this-test',
    });
    return storesOf(gateway.server, folder);
  };
  const stack = await startTestStack({ ...options, stores });
  const server = gateway.server;
  if (!server) throw new Error('the gateway was not started');
  return {
    ...stack,
    gateway: server,
    stores: storesOf(server, stack.folder),
    stop: () => stack.stop().finally(() => server.stop()),
  };
}

export function storesOf(gateway: S3Gateway, folder: string) {
  const { endpoint, region, bucket, accessKeyId, secretAccessKey } = gateway;
  return {
    offsite: { url: `s3://${bucket}/ferry`, region, endpoint, accessKeyId, secretAccessKey },
    disk: { url: `file://${join(folder, 'disk')}` },
  };
}
