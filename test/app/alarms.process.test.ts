import { testFaults } from '../support/alarms';
import { openOnDisk, processFaults } from './alarms.process';

// ISSUE 14, must hold 3: the process is killed, its disk is full, its certificate ends, its key is old.
testFaults(processFaults, openOnDisk);
