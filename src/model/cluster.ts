// A cluster as ferry.yaml describes it, after `${NAME}` was replaced and everything was checked.

export interface NodeAddress {
  /** REST, "http://host:6333" */
  url: string;
  /** gRPC, "http://host:6334" */
  grpcUrl: string;
}

export interface ClusterConnection {
  alias: string;
  nodes: NodeAddress[];
  /** False: it has REST only, so points are read and written as text. */
  grpc?: boolean;
  apiKey?: string;
  /** PEM text of the authority that signed the nodes' certificates. */
  ca?: string;
  /** PEM texts: who we are to a cluster that wants to see certificates (mTLS). */
  cert?: string;
  key?: string;
  /** Queue of the data workers near this cluster; `ferry-data` when absent. */
  taskQueue?: string;
}

/** What every connection to it is made with; nothing where the system's authorities will do. */
export function tlsOf({ ca, cert, key }: ClusterConnection): { ca?: string; cert?: string; key?: string } {
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}
