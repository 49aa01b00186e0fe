import { Controller } from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import type { Account, LogoutResponse, Session, Standing, VerifyResponse } from '../../generated/aerie/auth/v1/auth';
import { AuthApi } from './auth.api';
import { GetStandingDto, LoginDto, LogoutDto, RegisterDto, SetRoleDto, VerifyDto } from './auth.dto';

/** The calls of auth over gRPC. The service says what they throw. */
@Controller()
export class AuthGrpcController {
  constructor(private readonly auth: AuthApi) {}

  @GrpcMethod('AuthService')
  register(@Payload() request: RegisterDto): Promise<Session> {
    return this.auth.register(request);
  }

  @GrpcMethod('AuthService')
  login(@Payload() request: LoginDto): Promise<Session> {
    return this.auth.login(request);
  }

  @GrpcMethod('AuthService')
  verify(@Payload() request: VerifyDto): Promise<VerifyResponse> {
    return this.auth.verify(request);
  }

  @GrpcMethod('AuthService')
  logout(@Payload() request: LogoutDto): Promise<LogoutResponse> {
    return this.auth.logout(request);
  }

  @GrpcMethod('AuthService')
  setRole(@Payload() request: SetRoleDto): Promise<Account> {
    return this.auth.setRole(request);
  }

  @GrpcMethod('AuthService')
  getStanding(@Payload() request: GetStandingDto): Promise<Standing> {
    return this.auth.getStanding(request);
  }
}
