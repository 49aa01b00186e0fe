import { Controller, Get, Header } from '@nestjs/common';
import { type Jwks, JwksService } from './auth.jwks.service';

/** HTTP only: those who check tokens elsewhere expect it there (RFC 8414). */
@Controller('.well-known')
export class JwksController {
  constructor(private readonly service: JwksService) {}

  @Get('jwks.json')
  // A key that is to sign next is published this long before, as a second file.
  @Header('cache-control', 'public, max-age=300')
  jwks(): Promise<Jwks> {
    return this.service.jwks();
  }
}
