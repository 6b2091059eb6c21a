// Who is who in a cluster: one authority, a certificate for each part and for the administrator, and their kubeconfigs.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { API_SERVER, API_SERVICE, CONTROL_PLANE, nodeAddress, nodeName, NODES, type Place } from './place.ts';
import { run } from './run.ts';

const DAYS = '30';
const EC_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** Nothing but what is asked for: the machine's own file adds extensions. */
const CONFIG = '[req]\ndistinguished_name=name\n[name]\n';

interface Identity {
  readonly user: string;
  readonly group: string;
  readonly names?: readonly string[];
  /** Without a kubeconfig: it is called, or calls nodes. */
  readonly server?: boolean;
}

function identities(): Record<string, Identity> {
  const api = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'localhost'].map((name) => `DNS:${name}`);
  const addresses = [CONTROL_PLANE, API_SERVICE, '127.0.0.1'].map((address) => `IP:${address}`);
  return {
    'api-server': { user: 'kube-apiserver', group: 'kube', names: [...api, ...addresses], server: true },
    'kubelet-client': { user: 'kube-apiserver-kubelet-client', group: 'system:masters', server: true },
    admin: { user: 'admin', group: 'system:masters' },
    'controller-manager': { user: 'system:kube-controller-manager', group: 'kube' },
    scheduler: { user: 'system:kube-scheduler', group: 'kube' },
    proxy: { user: 'system:kube-proxy', group: 'kube' },
    dns: { user: 'evermount:dns', group: 'kube' },
    ...Object.fromEntries(
      NODES.map((node) => [
        nodeName(node),
        {
          user: `system:node:${nodeName(node)}`,
          group: 'system:nodes',
          names: [`DNS:${nodeName(node)}`, `IP:${nodeAddress(node)}`],
        },
      ]),
    ),
  };
}

/** Makes them all; those that are there stay as they are. */
export async function ensureCertificates(place: Place): Promise<void> {
  if (existsSync(place.at('pki', 'complete'))) return;
  mkdirSync(place.at('pki'), { recursive: true });
  mkdirSync(place.at('kubeconfig'), { recursive: true });
  const at = (name: string): string => place.at('pki', name);
  writeFileSync(at('openssl.cnf'), CONFIG);
  const request = ['openssl', 'req', '-config', at('openssl.cnf'), '-x509', '-days', DAYS, ...EC_KEY];
  const authority = ['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign'];
  await run([
    ...request,
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.crt'),
    '-subj',
    '/CN=evermount-cluster',
    ...authority,
  ]);
  await Promise.all([
    makeTokenKey(at),
    ...Object.entries(identities()).map(async ([name, { user, group, names, server }]) => {
      const signed = ['-CA', at('ca.crt'), '-CAkey', at('ca.key'), '-subj', `/O=${group}/CN=${user}`];
      const alternatives = names === undefined ? [] : ['-addext', `subjectAltName=${names.join(',')}`];
      await run([...request, '-keyout', at(`${name}.key`), '-out', at(`${name}.crt`), ...signed, ...alternatives]);
      if (server !== true) writeKubeconfig(place, name);
    }),
  ]);
  writeFileSync(at('complete'), '');
}

/** What service account tokens are signed with. */
async function makeTokenKey(at: (name: string) => string): Promise<void> {
  await run(['openssl', 'genrsa', '-out', at('tokens.key'), '2048']);
  await run(['openssl', 'rsa', '-in', at('tokens.key'), '-pubout', '-out', at('tokens.pub')]);
}

function writeKubeconfig(place: Place, name: string): void {
  const certificate = {
    'client-certificate': place.at('pki', `${name}.crt`),
    'client-key': place.at('pki', `${name}.key`),
  };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'evermount', cluster: { server: API_SERVER, 'certificate-authority': place.at('pki', 'ca.crt') } },
    ],
    users: [{ name, user: certificate }],
    contexts: [{ name: 'evermount', context: { cluster: 'evermount', user: name } }],
    'current-context': 'evermount',
  };
  writeFileSync(place.kubeconfig(name), JSON.stringify(config, undefined, 2), { mode: 0o600 });
}
