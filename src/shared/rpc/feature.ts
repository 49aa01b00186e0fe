import type { Type } from '@nestjs/common';
import type { MigrationInterface } from 'typeorm';
import type { AnyContract } from './contract';
import type { MessageDocs } from './messages';

/** What the application needs to know of a feature in order to run it. */
export interface Feature {
  readonly contract: AnyContract;
  readonly messages: Readonly<Record<string, MessageDocs>>;
  readonly module: Type;
  readonly migrations: readonly (new () => MigrationInterface)[];
}
