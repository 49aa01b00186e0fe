import type { User } from '../../generated/aerie/users/v1/users';
import { toTime } from '../../shared/clock/time';
import type { StoredUser } from './users.repository';

/** A user as everybody sees it. */
export function toUser({ id, name, email, age, version, createdAt, updatedAt }: StoredUser): User {
  const times = { createdAt: toTime(createdAt), updatedAt: toTime(updatedAt) };
  return { id, name, email, ...(age === null ? {} : { age }), version, ...times };
}
