import { Injectable } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import type {
  CreateUserRequest,
  DeleteUserRequest,
  DeleteUserResponse,
  GetUserRequest,
  ListUsersRequest,
  ListUsersResponse,
  UserService as Proto,
  UpdateUserRequest,
  User,
} from '../../generated/aerie/users/v1/users';
import { currentCaller, principalOf, restrictedTo } from '../../shared/auth/caller';
import { infoOf, withInfo } from '../../shared/contract/answer';
import { UsersCreator } from './users.creator';
import { idNotYours } from './users.errors';
import { UsersMetrics } from './users.metrics';
import { UsersReader } from './users.reader';
import type { StoredUser } from './users.repository';
import { toUser } from './users.user';
import { UsersWriter } from './users.writer';

/** The people who play, for operators and for themselves. */
@Injectable()
export class UsersService implements Proto {
  constructor(
    private readonly creator: UsersCreator,
    private readonly reader: UsersReader,
    private readonly writer: UsersWriter,
    private readonly metrics: UsersMetrics,
    private readonly logger: PinoLogger,
  ) {}

  async createUser(request: CreateUserRequest): Promise<User> {
    if (request.id !== undefined && currentCaller().kind !== 'internal') throw idNotYours();
    const user = await this.creator.create(request);
    const info = infoOf(user) ?? {};
    if (!info.replayed) {
      this.metrics.count('created');
      this.logger.info({ player_id: user.id }, 'user_created');
    }
    const answer = tagged(user);
    return withInfo(answer, { ...info, headers: { ...infoOf(answer)?.headers, location: `/users/${user.id}` } });
  }

  async getUser({ id }: GetUserRequest): Promise<User> {
    return tagged(await this.reader.user(id, restrictedTo()));
  }

  listUsers(request: ListUsersRequest): Promise<ListUsersResponse> {
    return this.reader.list(request);
  }

  async updateUser(request: UpdateUserRequest): Promise<User> {
    const user = await this.writer.update(request, restrictedTo());
    this.metrics.count('updated');
    this.logger.debug({ player_id: user.id, version: user.version, by: principalOf(currentCaller()) }, 'user_updated');
    return tagged(user);
  }

  async deleteUser({ id }: DeleteUserRequest): Promise<DeleteUserResponse> {
    await this.writer.delete(id, restrictedTo());
    this.metrics.count('deleted');
    this.logger.info({ player_id: id, by: principalOf(currentCaller()) }, 'user_deleted');
    return {};
  }
}

/** With its version as the ETag, which If-Match takes. */
function tagged(user: StoredUser): User {
  return withInfo(toUser(user), { headers: { etag: `"${user.version}"` } });
}
