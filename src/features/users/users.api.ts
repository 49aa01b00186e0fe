import type { UserService } from '../../generated/aerie/users/v1/users';
import type { Contract, WithMeta } from '../../shared/contract/contract';

/** The calls that other features, other processes and the client library may make to users. */
export abstract class UsersApi {
  abstract createUser: WithMeta<UserService['createUser']>;
  abstract getUser: UserService['getUser'];
  abstract listUsers: UserService['listUsers'];
  abstract updateUser: UserService['updateUser'];
  abstract deleteUser: UserService['deleteUser'];
}

export const usersContract: Contract<UsersApi> = {
  name: 'users',
  token: UsersApi,
  proto: { package: 'aerie.users.v1', service: 'UserService' },
  routes: {
    createUser: { http: 'POST /users', access: 'admin', location: '/users/:id' },
    getUser: { http: 'GET /users/:id', access: 'player', retry: true },
    listUsers: { http: 'GET /users', access: 'admin', retry: true },
    updateUser: { http: 'PATCH /users/:id', access: 'player' },
    deleteUser: { http: 'DELETE /users/:id', access: 'player' },
  },
};
