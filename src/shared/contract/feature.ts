import type { Type } from '@nestjs/common';
import type { MigrationInterface } from 'typeorm';
import type { MessageDocs } from './call-docs';
import type { AnyContract } from './contract';
import type { Page } from './open-path';

/** What the application needs to know of a feature in order to run it. */
export interface Feature {
  readonly contract: AnyContract;
  readonly messages: Readonly<Record<string, MessageDocs>>;
  /** What it serves over HTTP beside the calls. */
  readonly pages?: readonly Page[];
  readonly module: Type;
  /** What other features it asks: the tokens of their contracts. Without them it does not run. */
  readonly needs?: readonly (abstract new () => object)[];
  readonly migrations: readonly (new () => MigrationInterface)[];
}

/** The features that run in this process. */
export class Features {
  constructor(readonly all: readonly Feature[]) {}
}
