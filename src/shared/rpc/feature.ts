import type { Type } from '@nestjs/common';
import type { MigrationInterface } from 'typeorm';
import type { AnyContract } from './contract';
import type { MessageDocs } from './messages';
import type { Page } from './page';

/** What the application needs to know of a feature in order to run it. */
export interface Feature {
  readonly contract: AnyContract;
  readonly messages: Readonly<Record<string, MessageDocs>>;
  /** What it serves over HTTP beside the calls. */
  readonly pages?: readonly Page[];
  readonly module: Type;
  readonly migrations: readonly (new () => MigrationInterface)[];
}
