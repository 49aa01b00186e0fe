import { Controller } from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import type { Account, LogoutResponse, Session, VerifyResponse } from '../../generated/aerie/auth/v1/auth';
import { LoginDto, LogoutDto, RegisterDto, SetRoleDto, VerifyDto } from './auth.dto';
import { AuthService } from './auth.service';

/** The calls of auth over gRPC. The service says what they throw. */
@Controller()
export class AuthGrpcController {
  constructor(private readonly auth: AuthService) {}

  @GrpcMethod('AuthService')
  register(@Payload() request: RegisterDto): Promise<Session> {
    return this.auth.register(request);
  }

  @GrpcMethod('AuthService')
  login(@Payload() request: LoginDto): Promise<Session> {
    return this.auth.login(request);
  }

  @GrpcMethod('AuthService')
  verify(@Payload() _request: VerifyDto): Promise<VerifyResponse> {
    return this.auth.verify();
  }

  @GrpcMethod('AuthService')
  logout(@Payload() _request: LogoutDto): Promise<LogoutResponse> {
    return this.auth.logout();
  }

  @GrpcMethod('AuthService')
  setRole(@Payload() request: SetRoleDto): Promise<Account> {
    return this.auth.setRole(request);
  }
}
