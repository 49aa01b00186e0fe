import type { HelloService } from '../../generated/aerie/hello/v1/hello';
import type { Contract } from '../../shared/contract/contract';

/** What other features, other processes and the client library may ask of hello. */
export abstract class HelloApi {
  abstract greet: HelloService['greet'];
}

export const helloContract: Contract<HelloApi> = {
  name: 'hello',
  token: HelloApi,
  proto: { package: 'aerie.hello.v1', service: 'HelloService' },
  routes: { greet: { http: 'POST /hello/:userId', access: 'player' } },
};
