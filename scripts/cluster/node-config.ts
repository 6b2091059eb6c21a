// The configuration files of a node: container runtime, pod network, kubelet.
import { mkdirSync, writeFileSync } from 'node:fs';
import { DNS_SERVICE, nodeName, podRangeOf, REGISTRY, type NodeNumber, type Place } from './place.ts';

export const CONTAINERD_SOCKET = '/run/containerd/containerd.sock';
const CNI_PROGRAMS = '/usr/lib/cni';
const CNI_CONFIG = '/etc/cni/net.d';

/** Paths are those the node sees; all of them lie in the cluster's folder, which it sees where it is. */
export interface NodeFiles {
  readonly containerd: string;
  readonly kubelet: string;
}

export function writeNodeConfig(place: Place, node: NodeNumber): NodeFiles {
  const files = {
    containerd: place.atNode(node, 'containerd.toml'),
    kubelet: place.atNode(node, 'kubelet.json'),
  };
  const registries = place.atNode(node, 'registries');
  const resolvConf = place.atNode(node, 'resolv.conf');
  mkdirSync(`${registries}/_default`, { recursive: true });
  mkdirSync(place.atNode(node, CNI_CONFIG), { recursive: true });
  writeFileSync(`${registries}/_default/hosts.toml`, registryHost());
  writeFileSync(files.containerd, containerdConfig(registries));
  writeFileSync(place.atNode(node, CNI_CONFIG, '10-evermount.conflist'), toJson(podNetwork(node)));
  writeFileSync(resolvConf, `nameserver ${DNS_SERVICE}\n`);
  writeFileSync(files.kubelet, toJson(kubeletConfig(place, node, resolvConf)));
  return files;
}

/** Whatever registry an image's name begins with, it is pulled from ours. */
function registryHost(): string {
  return `[host."http://${REGISTRY}"]\n  capabilities = ["pull", "resolve"]\n`;
}

function containerdConfig(registries: string): string {
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  return `version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
[grpc]
  address = "${CONTAINERD_SOCKET}"
[${cri}]
  sandbox_image = "docker.io/library/pause:1"
  restrict_oom_score_adj = true # lowering it takes CAP_SYS_RESOURCE, which a container of a test machine may lack
  [${cri}.containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [${cri}.containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [${cri}.containerd.runtimes.runc.options]
        SystemdCgroup = false
  [${cri}.registry]
    config_path = "${registries}"
  [${cri}.cni]
    bin_dir = "${CNI_PROGRAMS}"
    conf_dir = "${CNI_CONFIG}"
`;
}

function podNetwork(node: NodeNumber): object {
  const addresses = {
    type: 'host-local',
    ranges: [[{ subnet: podRangeOf(node) }]],
    routes: [{ dst: '0.0.0.0/0' }],
  };
  return {
    cniVersion: '0.4.0',
    name: 'evermount',
    plugins: [
      { type: 'bridge', bridge: 'cni0', isGateway: true, ipMasq: false, hairpinMode: true, ipam: addresses },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  };
}

function kubeletConfig(place: Place, node: NodeNumber, resolvConf: string): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: place.at('pki', 'ca.crt') },
    },
    authorization: { mode: 'Webhook' },
    tlsCertFile: place.at('pki', `${nodeName(node)}.crt`),
    tlsPrivateKeyFile: place.at('pki', `${nodeName(node)}.key`),
    containerRuntimeEndpoint: `unix://${CONTAINERD_SOCKET}`,
    resolvConf,
    clusterDNS: [DNS_SERVICE],
    clusterDomain: 'cluster.local',
    // The machine may have swap, cgroups of version 1 and little disk: none of it is the node's business.
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${place.cgroup(node)}`,
    enforceNodeAllocatable: [],
    failSwapOn: false,
    failCgroupV1: false,
    imageGCHighThresholdPercent: 100,
    evictionHard: {
      'memory.available': '100Mi',
      'nodefs.available': '0%',
      'imagefs.available': '0%',
      'nodefs.inodesFree': '0%',
    },
    syncFrequency: '10s',
    fileCheckFrequency: '5s',
    nodeStatusUpdateFrequency: '5s',
    registerNode: true,
  };
}

function toJson(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
