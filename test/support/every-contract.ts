import { features } from '../../src/features/index';
import type { CallDocs } from '../../src/shared/contract/call-docs';
import type { AnyContract } from '../../src/shared/contract/contract';
import { processesContract } from '../../src/shared/processes/processes.api';
import { processesDocs } from '../../src/shared/processes/processes.docs';

interface Served {
  readonly contract: AnyContract;
  readonly docs: Readonly<Record<string, CallDocs>>;
}

/** The contracts that a process with all features serves: theirs, and that by which every process tells of itself. */
export const everyContract: readonly Served[] = [...features, { contract: processesContract, docs: processesDocs }];
