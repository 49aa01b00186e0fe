import { Controller, Post } from '@nestjs/common';
import type { Greeting } from '../../generated/aerie/hello/v1/hello';
import { HttpRequest } from '../../shared/http/http-request.decorator';
import { GreetDto } from './hello.dto';
import { HelloService } from './hello.service';

@Controller('hello')
export class HelloHttpController {
  constructor(private readonly hello: HelloService) {}

  @Post(':userId')
  greet(@HttpRequest() request: GreetDto): Promise<Greeting> {
    return this.hello.greet(request);
  }
}
