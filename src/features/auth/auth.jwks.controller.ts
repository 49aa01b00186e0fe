import { Controller, Get } from '@nestjs/common';
import { type Jwks, JwksService } from './auth.jwks.service';

/** HTTP only: those who check tokens elsewhere expect it there (RFC 8414). */
@Controller('.well-known')
export class JwksController {
  constructor(private readonly service: JwksService) {}

  @Get('jwks.json')
  jwks(): Promise<Jwks> {
    return this.service.jwks();
  }
}
