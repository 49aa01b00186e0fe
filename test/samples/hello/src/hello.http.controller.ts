import { Controller, Post } from '@nestjs/common';
import type { Greeting } from '../../generated/aerie/hello/v1/hello';
import { HttpRequest } from '../../shared/http/http-request.decorator';
import { HelloApi } from './hello.api';
import { GreetDto } from './hello.dto';

@Controller('hello')
export class HelloHttpController {
  constructor(private readonly hello: HelloApi) {}

  @Post(':userId')
  greet(@HttpRequest() request: GreetDto): Promise<Greeting> {
    return this.hello.greet(request);
  }
}
