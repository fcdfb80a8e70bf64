// Is each cluster of ferry.yaml there, over REST and gRPC, and does it know our key?

import type { FerryConfig } from '../../model/ferry-config.js';
import type { Controls } from '../../cluster/control-port.js';
import { plural } from '../terminal/formatting.js';
import { examine, type Finding } from './finding.js';

export async function clusterFindings(controls: Controls, config: FerryConfig): Promise<Finding[]> {
  const findings = await Promise.all(
    Object.keys(config.clusters).map((alias) => [
      examine(`cluster ${alias}, REST`, async () => {
        const cluster = controls.of(alias);
        const [version, collections] = [await cluster.version(), await cluster.collections()];
        return `Qdrant ${version}, ${plural(collections.length, 'collection')}`;
      }),
      examine(`cluster ${alias}, gRPC`, async () => {
        const cluster = controls.of(alias);
        if (cluster.restOnly === true) return 'not used (`grpc: false`): points go over REST as text';
        await cluster.checkGrpcReachable();
        return 'answers';
      }),
    ]),
  );
  return Promise.all(findings.flat());
}
