// What scripts/tools.ts can build. Each product has a folder here whose go.mod and go.sum pin every source file of it.

export interface Product {
  /** The name of each program, and its Go package, whose last part must be that name. */
  programs: Readonly<Record<string, string>>;
  /** Needs a C compiler. */
  cgo: boolean;
  tags: readonly string[];
  /** Variables that tell the program its own version, which is the pinned one of the module. */
  stamp?: { module: string; variables: (version: Version) => Readonly<Record<string, string>> };
}

export interface Version {
  /** "v1.34.2" */
  full: string;
  major: string;
  minor: string;
}

export const PRODUCTS = {
  /** An S3 server. */
  minio: { programs: { minio: 'github.com/minio/minio' }, cgo: false, tags: [] },
  rclone: { programs: { rclone: 'github.com/rclone/rclone' }, cgo: false, tags: [] },
  /** Without the metadata engines and storages nobody uses here: Redis and S3 stay. Its zstd is C. */
  juicefs: {
    programs: { juicefs: 'github.com/juicedata/juicefs' },
    cgo: true,
    tags: [
      ...['nogateway', 'nowebdav', 'nocos', 'nobos', 'nohdfs', 'noibmcos', 'noobs', 'nooss', 'noqingstor', 'nosftp'],
      ...['noswift', 'noazure', 'nogs', 'noufile', 'nob2', 'nonfs', 'nodragonfly', 'nosqlite', 'nomysql', 'nopg'],
      ...['notikv', 'nobadger', 'noetcd'],
    ],
  },
  /** Unstamped, every client and server of it would say that it is v0.0.0. */
  kubernetes: {
    programs: {
      'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
      'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
      'kube-scheduler': 'k8s.io/kubernetes/cmd/kube-scheduler',
      kubelet: 'k8s.io/kubernetes/cmd/kubelet',
      'kube-proxy': 'k8s.io/kubernetes/cmd/kube-proxy',
      kubectl: 'k8s.io/kubernetes/cmd/kubectl',
    },
    cgo: false,
    tags: [],
    stamp: {
      module: 'k8s.io/kubernetes',
      variables: ({ full, major, minor }) => ({
        'k8s.io/component-base/version.gitVersion': full,
        'k8s.io/component-base/version.gitMajor': major,
        'k8s.io/component-base/version.gitMinor': minor,
      }),
    },
  },
  coredns: { programs: { coredns: 'github.com/coredns/coredns' }, cgo: false, tags: [] },
  helm: {
    programs: { helm: 'helm.sh/helm/v3/cmd/helm' },
    cgo: false,
    tags: [],
    stamp: {
      module: 'helm.sh/helm/v3',
      variables: ({ full }) => ({ 'helm.sh/helm/v3/internal/version.version': full }),
    },
  },
  /** The conformance suite for CSI drivers. */
  'csi-sanity': {
    programs: { 'csi-sanity': 'github.com/kubernetes-csi/csi-test/v5/cmd/csi-sanity' },
    cgo: false,
    tags: [],
  },
} as const satisfies Record<string, Product>;

export type ProductName = keyof typeof PRODUCTS;

/** Every program, and the product it comes with. */
export type ToolName = { [P in ProductName]: keyof (typeof PRODUCTS)[P]['programs'] & string }[ProductName];

export function productOf(tool: ToolName): ProductName {
  for (const [name, { programs }] of Object.entries(PRODUCTS)) {
    if (Object.hasOwn(programs, tool)) return name as ProductName;
  }
  throw new Error(`Cannot find the program "${tool}" in any product`);
}

export function toolsOf(product: ProductName): ToolName[] {
  return Object.keys(PRODUCTS[product].programs) as ToolName[];
}

export function isProduct(name: string): name is ProductName {
  return Object.hasOwn(PRODUCTS, name);
}

export function isTool(name: string): name is ToolName {
  return Object.values(PRODUCTS).some(({ programs }) => Object.hasOwn(programs, name));
}
