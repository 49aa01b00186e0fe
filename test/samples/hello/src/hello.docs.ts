import type { Docs } from '../../shared/contract/call-docs';
import type { HelloApi } from './hello.api';
import { GreetDto, greetingAnswer } from './hello.dto';

/** What OpenAPI says of each call. */
export const helloDocs: Docs<HelloApi> = {
  greet: {
    summary: 'Greet a user',
    request: GreetDto,
    answer: greetingAnswer,
    status: 201,
    errors: { 404: ['user_not_found'] },
    example: {
      request: { userId: '01KAJ0000000000000000000AA' },
      answer: { text: 'Hello, Ada!', count: 1 },
    },
  },
};
