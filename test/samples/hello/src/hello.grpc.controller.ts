import { Controller } from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import type { Greeting } from '../../generated/aerie/hello/v1/hello';
import { HelloApi } from './hello.api';
import { GreetDto } from './hello.dto';

@Controller()
export class HelloGrpcController {
  constructor(private readonly hello: HelloApi) {}

  @GrpcMethod('HelloService')
  greet(@Payload() request: GreetDto): Promise<Greeting> {
    return this.hello.greet(request);
  }
}
