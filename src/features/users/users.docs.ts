import type { Docs } from '../../shared/contract/call-docs';
import { idempotencyKeyHeader, ifMatchHeader } from '../../shared/contract/request-headers';
import type { UsersApi } from './users.api';
import {
  CreateUserDto,
  DeleteUserDto,
  deleteUserAnswer,
  GetUserDto,
  ListUsersDto,
  listUsersAnswer,
  UpdateUserDto,
  userAnswer,
} from './users.dto';

const at = '2026-11-21T10:00:00.000Z';
const user = {
  id: '01KAJ0000000000000000000AA',
  name: 'Ada',
  email: 'ada@example.com',
  age: 36,
  version: 1,
  createdAt: at,
  updatedAt: at,
};
const { id } = user;
const idempotencyKey = idempotencyKeyHeader(
  'Sent again with the same body it makes no second user and gets the same answer, for 24 hours',
  'signup-1',
);

/** Describes each call for OpenAPI. */
export const usersDocs: Docs<UsersApi> = {
  createUser: {
    summary: 'Create a user; the e-mail address is unique in every spelling of it',
    request: CreateUserDto,
    answer: userAnswer,
    facts: ['version'],
    status: 201,
    headers: { 'Idempotency-Key': idempotencyKey },
    errors: { 409: ['email_taken', 'in_progress'], 422: ['idempotency_key_reused'] },
    example: { request: { name: 'Ada', email: 'ada@example.com', age: 36 }, answer: user },
  },
  getUser: {
    summary: 'A user; the ETag is the version',
    request: GetUserDto,
    answer: userAnswer,
    facts: ['version'],
    errors: { 404: ['user_not_found'] },
    example: { request: { id }, answer: user },
  },
  listUsers: {
    summary: 'All users, oldest first, or who has an e-mail address',
    request: ListUsersDto,
    answer: listUsersAnswer,
    errors: { 400: ['page_token_invalid'] },
    example: { request: { pageSize: 20 }, answer: { users: [user], nextPageToken: '' } },
  },
  updateUser: {
    summary: 'Change some fields of a user; changes of one user happen one after another',
    request: UpdateUserDto,
    answer: userAnswer,
    facts: ['version'],
    headers: { 'If-Match': ifMatchHeader },
    errors: {
      404: ['user_not_found'],
      409: ['email_taken', 'resource_busy'],
      412: ['version_mismatch'],
    },
    example: {
      request: { id, name: 'Ada Lovelace', clear: [] },
      answer: { ...user, name: 'Ada Lovelace', version: 2 },
    },
  },
  deleteUser: {
    summary: 'Delete a user; again: 404',
    request: DeleteUserDto,
    answer: deleteUserAnswer,
    status: 204,
    errors: { 404: ['user_not_found'], 409: ['resource_busy'] },
    example: { request: { id }, answer: {} },
  },
};
