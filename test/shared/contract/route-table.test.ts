import { eventsGatewayContract } from '../../../src/features/events-gateway/events-gateway.api';
import { eventsGatewayDocs } from '../../../src/features/events-gateway/events-gateway.docs';
import { grpcPath, RouteTable } from '../../../src/shared/contract/route-table';

function table(): RouteTable {
  const routes = new RouteTable();
  routes.add(eventsGatewayContract, eventsGatewayDocs);
  for (const { http } of Object.values(eventsGatewayContract.routes)) {
    const [method = '', template = ''] = http.split(' ');
    routes.registered(method, template);
  }
  return routes;
}

test('a call is found by both its spellings', () => {
  const routes = table();
  const byHttp = routes.http('POST', '/events/dead-letters/:id/redrive');
  expect(byHttp).toMatchObject({ service: 'events-gateway', method: 'redriveDeadLetter', access: 'admin' });
  expect(routes.grpc('/aerie.events_gateway.v1.EventsGatewayService/RedriveDeadLetter')).toBe(byHttp);
  expect(grpcPath(eventsGatewayContract, 'redriveDeadLetter')).toBe(
    '/aerie.events_gateway.v1.EventsGatewayService/RedriveDeadLetter',
  );
});

test('HEAD has the rights of GET', () => {
  const routes = table();
  expect(routes.http('HEAD', '/events/head')).toBe(routes.http('GET', '/events/head'));
  expect(routes.http('HEAD', '/events/batch')).toBeUndefined();
});

test('a stream has only its gRPC path', () => {
  expect(table().grpc('/aerie.events_gateway.v1.EventsGatewayService/IngestStream')).toEqual({
    service: 'events-gateway',
    method: 'ingestStream',
    access: 'public',
    status: 200,
    location: undefined,
  });
});

test.each([
  ['/events', ['GET', 'POST']],
  ['/events/batch', ['POST']],
  ['/events/dead-letters', ['GET', 'POST']],
  ['/events/dead-letters/any%20id/redrive', ['POST']],
  ['/events/', []],
  ['/events/dead-letters/a/b/redrive', []],
  ['/events/dead-letters//redrive', []],
  ['/EVENTS', []],
  ['/', []],
])('%s has the methods %j', (path, methods) => expect(table().methodsOf(path)).toEqual(methods));

test('what a template holds is text, not a pattern', () => {
  const routes = new RouteTable();
  routes.registered('GET', '/docs/openapi.json');
  routes.registered('GET', '/a+b/(c)');
  expect(routes.methodsOf('/docs/openapi-json')).toEqual([]);
  expect([routes.methodsOf('/a+b/(c)'), routes.methodsOf('/aab/c')]).toEqual([['GET'], []]);
});
