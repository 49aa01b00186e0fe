import { Controller, Get, Post, Put } from '@nestjs/common';
import type { Account, LogoutResponse, Session, Standing, VerifyResponse } from '../../generated/aerie/auth/v1/auth';
import { HttpRequest } from '../../shared/http/http-request.decorator';
import { AuthApi } from './auth.api';
import { GetStandingDto, LoginDto, LogoutDto, RegisterDto, SetRoleDto, VerifyDto } from './auth.dto';

/** The calls of auth over HTTP. The service says what they throw. */
@Controller('auth')
export class AuthHttpController {
  constructor(private readonly auth: AuthApi) {}

  @Post('register')
  register(@HttpRequest() request: RegisterDto): Promise<Session> {
    return this.auth.register(request);
  }

  @Post('login')
  login(@HttpRequest() request: LoginDto): Promise<Session> {
    return this.auth.login(request);
  }

  @Get('verify')
  verify(@HttpRequest() request: VerifyDto): Promise<VerifyResponse> {
    return this.auth.verify(request);
  }

  @Post('logout')
  logout(@HttpRequest() request: LogoutDto): Promise<LogoutResponse> {
    return this.auth.logout(request);
  }

  @Put('accounts/:userId/role')
  setRole(@HttpRequest() request: SetRoleDto): Promise<Account> {
    return this.auth.setRole(request);
  }

  @Get('accounts/:userId/standing')
  getStanding(@HttpRequest() request: GetStandingDto): Promise<Standing> {
    return this.auth.getStanding(request);
  }
}
