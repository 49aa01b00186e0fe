import { join } from 'node:path';
import { features } from '../../src/features/index';
import { overlays, processesOf, yaml, yamls } from '../support/deployment';

// How players get into a cluster: to all that is theirs, and to nothing else.

interface Service {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec: {
    readonly selector: Readonly<Record<string, string>>;
    readonly clusterIP?: string;
    readonly ports: readonly { readonly name: string; readonly port: number; readonly targetPort: string }[];
  };
}

interface Way {
  readonly path: string;
  readonly pathType: string;
  readonly backend: { readonly service: { readonly name: string; readonly port: { readonly name: string } } };
}

interface Ingress {
  readonly spec: {
    readonly tls: readonly { readonly hosts: readonly string[] }[];
    readonly rules: readonly { readonly host: string; readonly http: { readonly paths: readonly Way[] } }[];
  };
}

const k8s = 'docker/k8s';
const shared = yaml<Service>(`${k8s}/process/service.yaml`);
const doors = yamls<Service>(`${k8s}/overlays/split/doors.yaml`);
const first = (http: string): string => `/${http.split('/')[1]}`;

/** The first part of every path that players or game servers ask, of the features that run. */
function wanted(running: readonly string[]): string[] {
  const here = features.filter(({ contract }) => running.includes(contract.name));
  const calls = here.flatMap(({ contract }) => Object.values(contract.routes));
  const theirs = calls.filter(({ access }) => access !== 'admin').map(({ http }) => first(http));
  const pages = here.flatMap(({ pages = [] }) => pages).map(({ http }) => first(http));
  return [...new Set([...theirs, ...pages.filter((path) => path !== '/console')])].sort();
}

describe.each(overlays)('%s', (overlay) => {
  const { spec } = yaml<Ingress>(join(k8s, 'overlays', overlay, 'ingress.yaml'));
  const { migrate = {}, ...processes } = processesOf(overlay);

  test('the ingress has all ways of players and game servers, and none of operators', () => {
    const running = migrate.MODULES?.split(',') ?? [];
    for (const { host, http } of spec.rules) {
      expect(spec.tls.flatMap(({ hosts }) => hosts)).toContain(host);
      expect(http.paths.map(({ path }) => path)).toEqual(wanted(running));
      expect(new Set(http.paths.map(({ pathType }) => pathType))).toEqual(new Set(['Prefix']));
    }
  });

  test('each way ends at a service with an address of its own, whose processes answer for it', () => {
    const services = overlay === 'single' ? [shared] : doors;
    for (const { path, backend } of spec.rules.flatMap(({ http }) => http.paths)) {
      const service = services.find(({ metadata }) => metadata.name === backend.service.name);
      const port = service?.spec.ports.find(({ name }) => name === backend.service.port.name);
      expect([path, port]).toEqual([path, { name: 'http', port: 8080, targetPort: 'http' }]);
      expect([path, service?.spec.clusterIP]).toEqual([path, undefined]);
      const name = overlay === 'single' ? 'all' : (service?.spec.selector['app.kubernetes.io/component'] ?? '');
      const { MODULES = '', EXPOSE = '' } = processes[name] ?? {};
      // What lasts is not answered for by another process.
      const answers = path === '/chat' ? MODULES : `${MODULES},${EXPOSE}`;
      expect([path, wanted(answers.split(','))]).toEqual([path, expect.arrayContaining([path])]);
    }
  });
});

test('in the split processes find each pod of each other, and Prometheus sees no pod twice', () => {
  const { patches = [] } = yaml<{ patches: { target: object; patch: string }[] }>(
    `${k8s}/overlays/split/kustomization.yaml`,
  );
  const headless = patches.find(({ patch }) => patch.includes('/spec/clusterIP'));
  expect(headless?.target).toEqual({ kind: 'Service', labelSelector: 'app.kubernetes.io/name=aerie' });
  const { selector } = yaml<{ spec: { selector: { matchLabels: object } } }>(`${k8s}/base/service-monitor.yaml`).spec;
  expect(selector.matchLabels).toEqual({ 'app.kubernetes.io/name': 'aerie' });
  for (const { metadata } of doors) expect(metadata.labels).not.toHaveProperty('app.kubernetes.io/name');
});
