import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadConfig, temporalConnection } from '../../src/config.js';
import type { StoreConnection } from '../../src/model/ferry-config.js';
import { POLICY_JOBS, schedulesOf } from '../../src/model/policies/schedules.js';
import { openStore } from '../../src/storage/open-store.js';

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));
const keys = {
  OLD_QDRANT_READ_KEY: 'old-key',
  PROD_QDRANT_KEY: 'prod-key',
  OSS_KEY_ID: 'oss-id',
  OSS_KEY_SECRET: 'oss-secret',
};

/** A copy, with the certificate that the example leaves to its reader. */
const folder = mkdtempSync(join(tmpdir(), 'ferry-examples-'));
const PEM = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
writeFileSync(join(folder, 'ca.pem'), PEM);
const files = readdirSync(EXAMPLES).filter((name) => name.endsWith('.yaml'));
for (const name of files) copyFileSync(join(EXAMPLES, name), join(folder, name));

const load = (name: string) => loadConfig(join(folder, name), keys);

afterAll(() => rmSync(folder, { recursive: true }));

describe('the example configurations', () => {
  it.each(files)('%s is valid', (name) => {
    expect(Object.keys(load(name).clusters).length).toBeGreaterThan(1);
  });

  it('the policies protect four clusters, one of them with a scratch cluster beside it', () => {
    const { policies, installation } = load('ferry.policies.yaml');
    expect(installation).toBe('main');
    const { schedules, notes } = schedulesOf(policies);
    expect(notes).toEqual([]);
    const jobs = (name: string) => schedules.filter(({ policy }) => policy === name).map(({ job }) => job);
    expect(jobs('production')).toEqual(['full', 'incremental', 'prove', 'rehearse', 'check', 'prune']);
    expect(['development', 'test', 'reports'].map(jobs)).toEqual(Array(3).fill(['full', 'check', 'prune']));
  });

  it('the small one names two clusters and a local Temporal', () => {
    const config = load('ferry.yaml');
    expect(config.clusters['source']?.nodes).toEqual([
      { url: 'http://localhost:6333', grpcUrl: 'http://localhost:6334' },
    ]);
    expect(temporalConnection(config, {}).connectionOptions.address).toBe('localhost:7233');
  });

  it('the large one takes keys from the environment and the authority from a file', () => {
    const { old, prod } = load('ferry.production.yaml').clusters;
    expect(old?.apiKey).toBe('old-key');
    expect(prod).toMatchObject({ apiKey: 'prod-key', ca: PEM, taskQueue: 'ferry-data-prod' });
    expect(prod?.nodes).toHaveLength(3);
  });

  it('the large one has stores whose limitations are those of their profile, and a disk with its own queue', () => {
    const { stores } = load('ferry.production.yaml');
    const lacks = (alias: string) => openStore(stores[alias] as StoreConnection).limitations.length;
    expect(['offsite', 'second', 'disk'].map(lacks)).toEqual([0, 2, 0]);
    expect(stores['disk']?.taskQueue).toBe('ferry-data-disk');
  });

  it('the large one is refused, by the name of the variable, while a key is not set', () => {
    expect(() => loadConfig(join(folder, 'ferry.production.yaml'), {})).toThrow(/OLD_QDRANT_READ_KEY/);
  });

  it('that of docker-compose.yml is valid, and its policy has a job of every kind', () => {
    const compose = parse(readFileSync(join(EXAMPLES, '../docker-compose.yml'), 'utf8')) as {
      configs: Record<'ferry.yaml', { content: string }>;
    };
    const path = join(folder, 'composed.yaml');
    writeFileSync(path, compose.configs['ferry.yaml'].content.replaceAll('$$', '$'));
    const { policies } = loadConfig(path, { S3_ACCESS_KEY_ID: 'id', S3_SECRET_ACCESS_KEY: 'secret' });
    const { schedules, notes } = schedulesOf(policies);
    expect([schedules.map(({ job }) => job), notes]).toEqual([[...POLICY_JOBS], []]);
  });
});
