import { z } from 'zod';
import type {
  CreateUserRequest,
  DeleteUserRequest,
  GetUserRequest,
  ListUsersRequest,
  UpdateUserRequest,
} from '../../generated/aerie/users/v1/users';
import { dto } from '../../shared/contract/dto';
import { pageSize, pageToken, timeAnswer, ulid, wholeNumber } from '../../shared/contract/schemas';
import { email } from '../../shared/text/email';
import { personName } from '../../shared/text/person-name';

const age = wholeNumber(0, 150).optional();

export class CreateUserDto extends dto<CreateUserRequest>(
  z.strictObject({
    name: personName,
    email,
    age,
    id: ulid.optional().meta({ description: 'Only for other processes of Aerie' }),
  }),
) {}

export class GetUserDto extends dto<GetUserRequest>(z.strictObject({ id: ulid })) {}

export class ListUsersDto extends dto<ListUsersRequest>(
  z.strictObject({ pageSize, pageToken, email: email.optional() }),
) {}

export class UpdateUserDto extends dto<UpdateUserRequest>(
  z
    .strictObject({
      id: ulid,
      name: personName.optional(),
      email: email.optional(),
      age,
      expectedVersion: wholeNumber(1, Number.MAX_SAFE_INTEGER).optional(),
      clear: z
        .array(z.enum(['age'], 'must be age'), 'must be an array')
        .max(1, 'must have at most 1 name')
        .default([]),
    })
    .refine(({ age, clear }) => age === undefined || clear.length === 0, {
      path: ['age'],
      message: 'is given and cleared',
      when: ({ issues }) => issues.length === 0,
    })
    .refine(({ name, email, age, clear }) => [name, email, age, ...clear].some((value) => value !== undefined), {
      message: 'must change name, email or age',
      // With wrong values there is a better reason to refuse it.
      when: ({ issues }) => issues.length === 0,
    })
    // The document is told here: it does not see refine: the id is in the path.
    .meta({ minProperties: 1 }),
) {}

export class DeleteUserDto extends dto<DeleteUserRequest>(z.strictObject({ id: ulid })) {}

export const userAnswer = z.object({
  id: z.string(),
  name: z.string(),
  email: z.string(),
  age: z.number().int().optional(),
  version: z.number().int(),
  createdAt: timeAnswer,
  updatedAt: timeAnswer,
});

export const listUsersAnswer = z.object({ users: z.array(userAnswer), nextPageToken: z.string() });

export const deleteUserAnswer = z.object({});
