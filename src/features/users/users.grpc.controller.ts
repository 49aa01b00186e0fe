import { Controller } from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import type { DeleteUserResponse, ListUsersResponse, User } from '../../generated/aerie/users/v1/users';
import { IdempotencyKey } from '../../shared/contract/idempotency-key';
import { IfMatch, meantFor } from '../../shared/contract/if-match';
import { UsersApi } from './users.api';
import { CreateUserDto, DeleteUserDto, GetUserDto, ListUsersDto, UpdateUserDto } from './users.dto';

@Controller()
export class UsersGrpcController {
  constructor(private readonly users: UsersApi) {}

  @GrpcMethod('UserService')
  createUser(@Payload() request: CreateUserDto, @IdempotencyKey() key: string | undefined): Promise<User> {
    return this.users.createUser(request, { idempotencyKey: key });
  }

  @GrpcMethod('UserService')
  getUser(@Payload() request: GetUserDto): Promise<User> {
    return this.users.getUser(request);
  }

  @GrpcMethod('UserService')
  listUsers(@Payload() request: ListUsersDto): Promise<ListUsersResponse> {
    return this.users.listUsers(request);
  }

  @GrpcMethod('UserService')
  updateUser(@Payload() request: UpdateUserDto, @IfMatch() version: number | undefined): Promise<User> {
    return this.users.updateUser(meantFor(request, version));
  }

  @GrpcMethod('UserService')
  deleteUser(@Payload() request: DeleteUserDto): Promise<DeleteUserResponse> {
    return this.users.deleteUser(request);
  }
}
