import { z } from 'zod';
import type {
  GetStandingRequest,
  LoginRequest,
  LogoutRequest,
  RegisterRequest,
  SetRoleRequest,
  VerifyRequest,
} from '../../generated/aerie/auth/v1/auth';
import { dto } from '../../shared/contract/dto';
import { timeAnswer, ulid, withoutControls } from '../../shared/contract/schemas';
import { email } from '../../shared/text/email';
import { personName } from '../../shared/text/person-name';

const maxPassword = 128;
// Keyboards send up to so much. It is counted before anything is composed, which takes longer than its length.
const maxTyped = 4 * maxPassword;
const role = z.enum(['player', 'admin'], 'must be player or admin');

/**
 * Characters are code points, and keyboards compose them in different ways: one spelling (NFKC) is hashed.
 * Source: NIST SP 800-63B, 3.1.1.2
 */
function password(min: number) {
  const tooLong = `must have at most ${maxPassword} characters`;
  return (
    z
      .string('must be a string')
      .max(maxTyped, { message: tooLong, abort: true })
      .refine((text) => text.isWellFormed() && !/[\p{Cc}\uFFFD]/u.test(text), {
        message: 'must be well-formed text without control characters',
        abort: true,
      })
      // The document says what the last refinement checks.
      .meta({ minLength: min, maxLength: maxPassword, format: 'password', pattern: withoutControls })
      .transform((text) => text.normalize('NFKC'))
      .refine((text) => [...text].length >= min, `must have at least ${min} characters`)
      .refine((text) => [...text].length <= maxPassword, tooLong)
  );
}

export class RegisterDto extends dto<RegisterRequest>(
  z.strictObject({ name: personName, email, password: password(8) }),
) {}

export class LoginDto extends dto<LoginRequest>(z.strictObject({ email, password: password(1) })) {}

export class VerifyDto extends dto<VerifyRequest>(z.strictObject({})) {}

export class LogoutDto extends dto<LogoutRequest>(z.strictObject({})) {}

export class SetRoleDto extends dto<SetRoleRequest>(z.strictObject({ userId: ulid, role })) {}

export class GetStandingDto extends dto<GetStandingRequest>(z.strictObject({ userId: ulid, tokenId: ulid })) {}

const user = z.object({
  id: z.string(),
  name: z.string(),
  email: z.string(),
  age: z.number().int().optional(),
  version: z.number().int(),
  createdAt: timeAnswer,
  updatedAt: timeAnswer,
});

export const sessionAnswer = z.object({
  accessToken: z.string(),
  tokenType: z.literal('Bearer'),
  expiresIn: z.number().int(),
  user,
});

export const verifyAnswer = z.object({ user, role, expiresAt: timeAnswer });

export const logoutAnswer = z.object({});

export const accountAnswer = z.object({ userId: z.string(), role });

export const standingAnswer = z.object({ role: role.optional() });
