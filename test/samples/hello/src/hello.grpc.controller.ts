import { Controller } from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import type { Greeting } from '../../generated/aerie/hello/v1/hello';
import { GreetDto } from './hello.dto';
import { HelloService } from './hello.service';

@Controller()
export class HelloGrpcController {
  constructor(private readonly hello: HelloService) {}

  @GrpcMethod('HelloService')
  greet(@Payload() request: GreetDto): Promise<Greeting> {
    return this.hello.greet(request);
  }
}
