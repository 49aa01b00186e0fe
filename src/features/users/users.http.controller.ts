import { Controller, Delete, Get, Patch, Post } from '@nestjs/common';
import type { DeleteUserResponse, ListUsersResponse, User } from '../../generated/aerie/users/v1/users';
import { IdempotencyKey } from '../../shared/contract/idempotency-key';
import { IfMatch, meantFor } from '../../shared/contract/if-match';
import { HttpRequest } from '../../shared/http/http-request.decorator';
import { UsersApi } from './users.api';
import { CreateUserDto, DeleteUserDto, GetUserDto, ListUsersDto, UpdateUserDto } from './users.dto';

@Controller('users')
export class UsersHttpController {
  constructor(private readonly users: UsersApi) {}

  @Post()
  createUser(@HttpRequest() request: CreateUserDto, @IdempotencyKey() key: string | undefined): Promise<User> {
    return this.users.createUser(request, { idempotencyKey: key });
  }

  @Get(':id')
  getUser(@HttpRequest() request: GetUserDto): Promise<User> {
    return this.users.getUser(request);
  }

  @Get()
  listUsers(@HttpRequest() request: ListUsersDto): Promise<ListUsersResponse> {
    return this.users.listUsers(request);
  }

  @Patch(':id')
  updateUser(@HttpRequest() request: UpdateUserDto, @IfMatch() version: number | undefined): Promise<User> {
    return this.users.updateUser(meantFor(request, version));
  }

  @Delete(':id')
  deleteUser(@HttpRequest() request: DeleteUserDto): Promise<DeleteUserResponse> {
    return this.users.deleteUser(request);
  }
}
