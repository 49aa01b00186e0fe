import { Module } from '@nestjs/common';
import { APP_FILTER, APP_PIPE } from '@nestjs/core';
import { ErrorFilter } from './error.filter';
import { PageTokens } from './page-token';
import { ValidationPipe } from './validation.pipe';

/** Provides what both servers do with every call: they check its message, and tell its errors. */
@Module({
  providers: [
    { provide: APP_PIPE, useClass: ValidationPipe },
    ErrorFilter,
    { provide: APP_FILTER, useExisting: ErrorFilter },
    PageTokens,
  ],
  exports: [ErrorFilter, PageTokens],
})
export class ContractModule {}
