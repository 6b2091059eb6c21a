// What a new cluster holds: DNS, an S3 server, a StorageClass.
//
// The servers behind the first two run beside the control plane, not in pods, so that a test may take any node away; pods reach
// them through Services, as they would reach others.
import { CONTROL_PLANE, DNS_SERVICE } from './place.ts';

export const DNS_PORT = 53;
export const MINIO_PORT = 9000;

/** Whoever has the cluster's folder may have them. */
export const MINIO_KEYS = { accessKeyId: 'evermount-test', accessKeySecret: 'evermount-test-secret' } as const;

/** The name walk-throughs of a cloud use; here it is a folder that all nodes share. */
export const STORAGE_CLASS = 'alicloud-disk-topology-alltype';

export function manifests(): object {
  return {
    apiVersion: 'v1',
    kind: 'List',
    items: [...dns(), ...minio(), storageClass()],
  };
}

function dns(): object[] {
  const role = 'evermount:dns';
  return [
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: role },
      rules: [
        { apiGroups: [''], resources: ['endpoints', 'services', 'pods', 'namespaces'], verbs: ['list', 'watch'] },
        { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
      ],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: role },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: role }],
    },
    ...service('kube-system', 'kube-dns', DNS_SERVICE, [
      { name: 'dns', port: DNS_PORT, protocol: 'UDP' },
      { name: 'dns-tcp', port: DNS_PORT, protocol: 'TCP' },
    ]),
  ];
}

function minio(): object[] {
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'minio' } },
    ...service('minio', 'minio', undefined, [{ name: 's3', port: MINIO_PORT, protocol: 'TCP' }]),
  ];
}

function storageClass(): object {
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: {
      name: STORAGE_CLASS,
      annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' },
    },
    provisioner: 'kubernetes.io/host-path',
    volumeBindingMode: 'Immediate',
  };
}

interface Port {
  readonly name: string;
  readonly port: number;
  readonly protocol: 'TCP' | 'UDP';
}

/** A Service for a server of the control plane: nothing selects its endpoints, they are written down. */
function service(namespace: string, name: string, clusterIP: string | undefined, ports: readonly Port[]): object[] {
  return [
    { apiVersion: 'v1', kind: 'Service', metadata: { namespace, name }, spec: { clusterIP, ports } },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { namespace, name, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      endpoints: [{ addresses: [CONTROL_PLANE], conditions: { ready: true } }],
      ports,
    },
  ];
}
