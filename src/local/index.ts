// What others use of the local stack.

export { allBinaries, findBinaries, findBinary, type BinaryName, type OnProgress } from './binaries.js';
export { freePorts } from './free-ports.js';
export type { LocalProcess } from './local-process.js';
export { endProcess, identify, isAlive, type ProcessIdentity } from './process-identity.js';
export { startQdrant, type QdrantOptions, type QdrantServer, type QdrantVersion } from './qdrant-server.js';
export { startS3Gateway, type S3Gateway, type S3GatewayOptions } from './s3-gateway.js';
export { startStack, startStackWorker, stackStatus, stopStack } from './stack.js';
export type { RunningStack, StackOptions, StackStatus } from './stack.js';
export type { StackDescription } from './stack-record.js';
export { startTemporal, type TemporalOptions, type TemporalServer } from './temporal-server.js';
export { startWorkerProcess, type WorkerProcessOptions, type WorkerRole } from './worker-process.js';
export { hashOfAsked } from './standalone-folder.js';
export { startStandalone, type Standalone, type StandaloneOptions } from './standalone.js';
