import type { Provider, Type } from '@nestjs/common';
import type { DataSourceOptions, EntitySchema, MigrationInterface } from 'typeorm';
import type { Config } from '../config/config';
import type { Configured } from '../config/settings';
import type { Finding } from '../findings/finding';
import type { CallDocs } from './call-docs';
import type { AnyContract } from './contract';
import type { Page } from './page';

/** A feature as the application runs it. */
export interface Feature extends Configured {
  readonly contract: AnyContract;
  readonly docs: Readonly<Record<string, CallDocs>>;
  /** Fields of its log lines that may be printed, beside those that everybody has. Nothing secret, and no player's words. */
  readonly logged?: readonly string[];
  /** The pages that it serves over HTTP beside the calls. */
  readonly pages?: readonly Page[];
  /** The rules and the tables: exports the token of the contract. */
  readonly module: Type;
  /** What speaks to callers; it knows the feature by its token alone, so that another process can have these doors, too. */
  readonly doors: Doors;
  /** What a process stands on that knows where this feature runs, but does not run it. */
  readonly elsewhere?: readonly Provider[];
  /** The tokens of the contracts that it asks. Without them it does not run. */
  readonly needs?: readonly (abstract new () => object)[];
  /** Looks at what it alone talks to, for `doctor`: where it runs. It changes nothing there, shows no secret, and ends in seconds. */
  readonly examine?: (config: Config) => Promise<readonly Finding[]>;
  /** Its tables. */
  readonly entities?: readonly { readonly name: string; schema(type: DataSourceOptions['type']): EntitySchema }[];
  readonly migrations: readonly (new () => MigrationInterface)[];
}

/** Controllers, and what they need beside the contract's token. */
export interface Doors {
  readonly controllers: readonly Type[];
  readonly imports?: readonly Type[];
  readonly providers?: readonly Provider[];
}

/** The features that run in this process. */
export class Features {
  constructor(readonly all: readonly Feature[]) {}
}
