// The test stack with a place for backups: a real S3 gateway, and a folder on this disk.

import { join } from 'node:path';
import { startS3Gateway, type S3Gateway } from '../../src/local/index.js';
import type { FerryConfig } from '../../src/model/ferry-config.js';
import type { ObjectStore } from '../../src/storage/object-store.js';
import { openStore } from '../../src/storage/open-store.js';
import { allOf } from './object-stores.js';
import { startTestStack, type TestStack, type TestStackOptions } from './test-stack.js';

export interface BackupStack extends TestStack {
  gateway: S3Gateway;
  /** As ferry.yaml has it. */
  stores: Record<string, Record<string, unknown>>;
}

type Stores = Record<string, Record<string, unknown>>;

export interface BackupStackOptions extends Omit<TestStackOptions, 'stores'> {
  /** Made of the ordinary ones, with a proxy in between, for instance. They come behind them. */
  moreStores?: (ordinary: ReturnType<typeof storesOf>) => Promise<Stores>;
}

export async function startBackupStack(options: BackupStackOptions = {}): Promise<BackupStack> {
  const { moreStores, ...others } = options;
  const made: { gateway?: S3Gateway; stores: Stores } = { stores: {} };
  const stores = async (folder: string) => {
    made.gateway = await startS3Gateway({
      folder: join(folder, 's3'),
      bucket: 'backups',
      accessKeyId: 'ferry',
      secretAccessKey: 'a-key-of-this-test',
    });
    const ordinary = storesOf(made.gateway, folder);
    made.stores = { ...ordinary, ...(await moreStores?.(ordinary)) };
    return made.stores;
  };
  const stack = await startTestStack({ ...others, stores });
  const { gateway } = made;
  if (!gateway) throw new Error('the gateway was not started');
  return {
    ...stack,
    gateway,
    stores: made.stores,
    stop: () => stack.stop().finally(() => gateway.stop()),
  };
}

/** Opened by the test itself, as a stranger would. */
export function storeOf(stack: Pick<BackupStack, 'stores'>, alias = 'offsite'): ObjectStore {
  return openStore({ alias, ...stack.stores[alias] } as FerryConfig['stores'][string]);
}

/** Keys of uploads that nobody completed or aborted; those of a killed worker's probe are left to a later probe. */
export async function unfinishedUploads(stack: Pick<BackupStack, 'stores'>): Promise<string[]> {
  const keys = (await allOf(storeOf(stack).uploads(''))).map((one) => one.key);
  return keys.filter((key) => !key.startsWith('.ferry-probe/'));
}

export function storesOf(gateway: S3Gateway, folder: string) {
  const { endpoint, region, bucket, accessKeyId, secretAccessKey } = gateway;
  return {
    offsite: { url: `s3://${bucket}/ferry`, region, endpoint, accessKeyId, secretAccessKey },
    disk: { url: `file://${join(folder, 'disk')}` },
  };
}
