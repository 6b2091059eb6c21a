// Where a cluster is: its folder, the names of what cannot lie in a folder, and its addresses. The addresses are those of
// documentation and benchmarks; they exist in network namespaces only, so several clusters can use the same.
import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';

export const DEFAULT_FOLDER = '/var/lib/evermount-cluster';

export const NODES = [1, 2] as const;
export type NodeNumber = (typeof NODES)[number];

/** The control plane, and each node. */
export type Part = 'cp' | `n${NodeNumber}`;

/** Of the API server (6443), the registry (5000), MinIO (9000) and the DNS server (53). */
export const CONTROL_PLANE = '192.0.2.1';
export const API_SERVER = `https://${CONTROL_PLANE}:6443`;
export const REGISTRY = `${CONTROL_PLANE}:5000`;
export const POD_RANGE = '198.18.0.0/16';
export const SERVICE_RANGE = '198.19.0.0/16';
/** The first of the range is the API server. */
export const API_SERVICE = '198.19.0.1';
export const DNS_SERVICE = '198.19.0.10';

export const nodeName = (node: NodeNumber): string => `node-${node}`;
export const nodeAddress = (node: NodeNumber): string => `192.0.2.1${node}`;
export const podRangeOf = (node: NodeNumber): string => `198.18.${node}.0/24`;

export class Place {
  readonly folder: string;
  /** Begins the names of network namespaces and cgroups. */
  readonly prefix: string;

  constructor(folder: string = process.env['EVERMOUNT_CLUSTER_FOLDER'] ?? DEFAULT_FOLDER) {
    this.folder = resolve(folder);
    const hash = createHash('sha256').update(this.folder).digest('hex').slice(0, 6);
    this.prefix = this.folder === DEFAULT_FOLDER ? 'em' : `em-${hash}`;
  }

  /** A path in the folder. */
  at(...names: readonly string[]): string {
    return join(this.folder, ...names);
  }

  /** A path in the folder of a node. */
  atNode(node: NodeNumber, ...names: readonly string[]): string {
    return this.at(nodeName(node), ...names);
  }

  /** The name of a part's network namespace. */
  network(part: Part): string {
    return `${this.prefix}-${part}`;
  }

  /** What a command begins with to run in a part's network. */
  within(part: Part): string[] {
    return ['nsenter', `--net=/run/netns/${this.network(part)}`, '--'];
  }

  kubeconfig(user: string): string {
    return this.at('kubeconfig', `${user}.json`);
  }

  cgroup(node: NodeNumber): string {
    return `${this.prefix}-${nodeName(node)}`;
  }
}
