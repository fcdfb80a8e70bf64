// The only reader of the environment and of ferry.yaml. Everything is checked once, at start; an error names the
// field and never repeats a value, because any value may be a secret.

import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import { loadClientConfigProfile, toClientOptions, type ClientConnectConfig } from '@temporalio/envconfig';
import { parseDocument } from 'yaml';
import type * as z from 'zod';
import type { ClusterConnection } from './model/cluster.js';
import { faultText } from './model/contracts/inputs.js';
import {
  clusterNodes,
  configurationSchema,
  type ClusterEntry,
  type FerryConfig,
  type StoreConnection,
  type StoreEntry,
} from './model/ferry-config.js';
import { FerryError } from './model/errors.js';
import {
  SECRET_FAULT,
  isWebhookSecret,
  type Notifier,
  type NotifierEntry,
} from './model/health/notifier-schema.js';
import { urlVariable } from './model/externals/source.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads `path`, or FERRY_CONFIG, or ./ferry.yaml, or the one that `ferry stack up` wrote. */
export function loadConfig(path?: string, env: Environment = process.env): FerryConfig {
  return readConfig(path, env).config;
}

/** Undefined where there is none, and nobody named one. */
export function loadConfigIfAny(path?: string, env: Environment = process.env): FerryConfig | undefined {
  const { asked, found } = findConfig(path, env);
  return asked === undefined && found === undefined ? undefined : loadConfig(path, env);
}

/** The same, with every file that was read for it. */
export function readConfig(
  path?: string,
  env: Environment = process.env,
): { config: FerryConfig; files: string[] } {
  const file = configPath(path, env);
  const files = [file];
  const read = (named: string, field: string) => {
    const at = resolve(dirname(file), named);
    files.push(at);
    return readText(at, field);
  };
  const parsed = configurationSchema.safeParse(replaceVariables(parseYaml(file), env));
  if (!parsed.success) throw invalid(file, parsed.error.issues.map(describeIssue).join('; '));
  const { clusters, stores, notifiers, ...rest } = parsed.data;
  const config = {
    path: file,
    clusters: mapEntries(clusters, (entry, alias) => connection(alias, entry, read)),
    stores: mapEntries(stores, (entry, alias) => storeConnection(file, alias, entry)),
    notifiers: mapEntries(notifiers, (entry, name) => notifierOf(name, entry, read)),
    ...rest,
  };
  return { config, files };
}

/** Address, namespace, keys and TLS of the Temporal server: the environment, then ferry.yaml, then Temporal's own file. */
export function temporalConnection(
  config?: FerryConfig,
  env: Environment = process.env,
): ClientConnectConfig {
  const named = env['TEMPORAL_ADDRESS'] === undefined ? config?.temporal.address : undefined;
  const overrideEnvVars = Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
  // A key from Temporal's own file belongs to the server named there, not to the one named in ferry.yaml.
  const profile = loadClientConfigProfile({ disableFile: named !== undefined, overrideEnvVars });
  profile.address = named ?? profile.address ?? '127.0.0.1:7233';
  const namespace = env['TEMPORAL_NAMESPACE'] ?? config?.temporal.namespace;
  if (namespace !== undefined) profile.namespace = namespace;
  return toClientOptions(profile);
}

/** For children that must not inherit the settings of another Temporal server: each of those names, undefined. */
export function withoutTemporalSettings(env: Environment = process.env): Record<string, undefined> {
  const names = Object.keys(env).filter((name) => name.startsWith('TEMPORAL_'));
  return Object.fromEntries(names.map((name) => [name, undefined]));
}

/** The opposite: for children that must use the server at `address`, whatever the user's settings and files say. */
export function onlyTemporalAt(address: string, folder: string): Record<string, string> {
  return {
    TEMPORAL_ADDRESS: address,
    TEMPORAL_NAMESPACE: 'default',
    // A file that is not there counts as an empty one; without a name the user's own would be read, with its keys.
    TEMPORAL_CONFIG_FILE: join(folder, 'no-temporal.toml'),
  };
}

/** Where the local stack, reports and other things that must survive a restart are kept. */
export function stateDir(env: Environment = process.env): string {
  return resolve(
    env['FERRY_STATE_DIR'] ?? join(env['XDG_STATE_HOME'] ?? join(homedir(), '.local/state'), 'qdrant-ferry'),
  );
}

/** Binaries that were downloaded or built; may be deleted at any time. */
export function cacheDir(env: Environment = process.env): string {
  return resolve(
    env['FERRY_CACHE_DIR'] ?? join(env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'qdrant-ferry'),
  );
}

/** A program that the user names instead of the one we would fetch: FERRY_TEMPORAL_BIN and its like. */
export function namedBinary(variable: string, env: Environment = process.env): string | undefined {
  return env[variable] === undefined || env[variable] === '' ? undefined : resolve(env[variable]);
}

export function searchPath(env: Environment = process.env): string[] {
  return (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
}

/** The URL of a snapshot as an input names it: itself, or the environment variable that holds it. */
export function snapshotUrl(named: string, env: Environment = process.env): string {
  const variable = urlVariable(named);
  if (variable === undefined) return named;
  const url = env[variable];
  if (url !== undefined && /^https?:\/\//i.test(url) && URL.canParse(url)) return url;
  const happened = `The input names ${variable}, and the environment of this worker holds no http(s) URL of that name`;
  throw new FerryError('InvalidConfig', happened);
}

/** FERRY_SEARCH_ATTRIBUTES=off: for servers on which nobody may register any. */
export function searchAttributesWanted(env: Environment = process.env): boolean {
  return env['FERRY_SEARCH_ATTRIBUTES']?.toLowerCase() !== 'off';
}

function configPath(path: string | undefined, env: Environment): string {
  const { asked, candidates, found } = findConfig(path, env);
  if (found !== undefined) return found;
  const by = path === undefined ? 'FERRY_CONFIG names' : '`--config` names';
  if (asked) {
    const remedy = 'Correct the path; a relative one is meant from the current folder.';
    throw new FerryError('InvalidConfig', `${by} ${candidates.join('')}, which does not exist`, { remedy });
  }
  const remedy =
    'Write a ferry.yaml (docs/configuration.md), or name one with `--config` or FERRY_CONFIG. To try ferry on this machine only, `ferry stack up` starts servers and writes one.';
  throw new FerryError('InvalidConfig', `There is no ferry.yaml: looked for ${candidates.join(' and ')}`, {
    remedy,
  });
}

function findConfig(path: string | undefined, env: Environment) {
  const asked = path ?? env['FERRY_CONFIG'];
  const candidates = asked ? [resolve(asked)] : [resolve('ferry.yaml'), join(stateDir(env), 'ferry.yaml')];
  return { asked, candidates, found: candidates.find((candidate) => existsSync(candidate)) };
}

function parseYaml(file: string): unknown {
  // Pretty errors would quote the faulty line, and with it a key.
  const document = parseDocument(readText(file, file), { prettyErrors: false, uniqueKeys: true });
  const fault = document.errors[0];
  if (fault === undefined) return document.toJS() as unknown;
  const line = readText(file, file).slice(0, fault.pos[0]).split('\n').length;
  throw invalid(file, `line ${line} is not valid YAML (${fault.code.toLowerCase().replaceAll('_', ' ')})`);
}

function replaceVariables(value: unknown, env: Environment, path = ''): unknown {
  if (typeof value === 'string')
    return value.replace(/\$\{([^}]*)\}/g, (_, name: string) => variable(name, env, path));
  if (Array.isArray(value)) return value.map((inner, at) => replaceVariables(inner, env, `${path}[${at}]`));
  if (value === null || typeof value !== 'object') return value;
  return mapEntries(value as Record<string, unknown>, (inner, key) =>
    replaceVariables(inner, env, path === '' ? key : `${path}.${key}`),
  );
}

function variable(name: string, env: Environment, path: string): string {
  const value = env[name];
  if (value !== undefined) return value;
  throw new FerryError('InvalidConfig', `${path} needs the environment variable ${name}, which is not set`);
}

type ReadNamed = (path: string, field: string) => string;

function connection(alias: string, entry: ClusterEntry, read: ReadNamed): ClusterConnection {
  const { apiKeyFile, ca = entry.caFile, certFile, keyFile, taskQueue } = entry;
  const field = (name: string) => `clusters.${alias}.${name}`;
  const apiKey =
    apiKeyFile === undefined
      ? entry.apiKey
      : secretIn(read(apiKeyFile, field('apiKeyFile')), field('apiKeyFile'));
  const pem = (path: string | undefined, name: string) =>
    path === undefined ? {} : { [name.replace('File', '')]: pemIn(read(path, field(name)), field(name)) };
  const made: ClusterConnection = {
    alias,
    nodes: clusterNodes(entry),
    ...(entry.grpc === undefined ? {} : { grpc: entry.grpc }),
    ...(apiKey === undefined ? {} : { apiKey }),
    ...pem(ca, entry.ca === undefined ? 'caFile' : 'ca'),
    ...pem(certFile, 'certFile'),
    ...pem(keyFile, 'keyFile'),
    ...(taskQueue === undefined ? {} : { taskQueue }),
  };
  if (made.cert !== undefined) requirePair(made, field('certFile'));
  return made;
}

function secretIn(text: string, field: string): string {
  const secret = text.trim();
  if (secret !== '') return secret;
  throw new FerryError('InvalidConfig', `${field}: the file is empty`);
}

/** Half of a file that is being written is no PEM. */
function pemIn(text: string, field: string): string {
  if (/^-----BEGIN [^-]+-----[\s\S]+^-----END [^-]+-----\s*$/m.test(text)) return text;
  throw new FerryError('InvalidConfig', `${field}: the file is not complete PEM (BEGIN … END)`);
}

/** Said here, by its field, and not by every connection. */
function requirePair({ cert, key }: ClusterConnection, field: string): void {
  try {
    createSecureContext({ cert, key });
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'error';
    throw new FerryError('InvalidConfig', `${field} and keyFile are not a pair (${code})`);
  }
}

/** Paths become absolute; what is in the files is read by whoever asks the store. */
function storeConnection(file: string, alias: string, entry: StoreEntry): StoreConnection {
  const paths = Object.entries(entry).filter(([field]) => field.endsWith('File'));
  const absolute = paths.map(([field, path]) => [field, resolve(dirname(file), String(path))]);
  return { alias, ...entry, ...(Object.fromEntries(absolute) as Partial<StoreEntry>) };
}

function notifierOf(name: string, entry: NotifierEntry, read: ReadNamed): Notifier {
  const { webhook, command = [], secretFile, headers = {}, timeoutSeconds, remindHours } = entry;
  const every = { name, timeoutSeconds, ...(remindHours === undefined ? {} : { remindHours }) };
  if (webhook === undefined) return { ...every, command };
  const field = `notifiers.${name}.secretFile`;
  const secret = secretFile === undefined ? entry.secret : secretIn(read(secretFile, field), field);
  if (secret === undefined || !isWebhookSecret(secret))
    throw new FerryError('InvalidConfig', `${field}: ${SECRET_FAULT}`);
  return { ...every, webhook, secret, headers };
}

function readText(path: string, field: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'error';
    throw new FerryError('InvalidConfig', `${field} cannot be read (${code})`, { cause, context: { path } });
  }
}

function describeIssue(issue: z.core.$ZodIssue): string {
  const field = issue.path.map(String).join('.') || 'the document';
  return `${field}: ${faultText(issue)}`;
}

function invalid(file: string, happened: string): FerryError {
  return new FerryError('InvalidConfig', happened, { context: { file } });
}

function mapEntries<From, To>(
  record: Record<string, From>,
  to: (value: From, key: string) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, to(value, key)]));
}
