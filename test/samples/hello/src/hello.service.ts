import { Injectable } from '@nestjs/common';
import type { Greeting, GreetRequest, HelloService as Proto } from '../../generated/aerie/hello/v1/hello';
import { UsersApi } from '../users/users.api';
import { HelloRepository } from './hello.repository';
import { HelloSettings } from './hello.settings';

/** Greets users. */
@Injectable()
export class HelloService implements Proto {
  constructor(
    private readonly users: UsersApi,
    private readonly repository: HelloRepository,
    private readonly settings: HelloSettings,
  ) {}

  /** Greets a user whom the caller may see. @throws AppError user_not_found */
  async greet({ userId }: GreetRequest): Promise<Greeting> {
    const { name } = await this.users.getUser({ id: userId });
    return { text: `${this.settings.greeting}, ${name}!`, count: await this.repository.count(userId) };
  }
}
