import { z } from 'zod';
import type { GreetRequest } from '../../generated/aerie/hello/v1/hello';
import { dto } from '../../shared/contract/dto';
import { ulid } from '../../shared/contract/schemas';

export class GreetDto extends dto<GreetRequest>(z.strictObject({ userId: ulid })) {}

export const greetingAnswer = z.object({ text: z.string(), count: z.number().int() });
