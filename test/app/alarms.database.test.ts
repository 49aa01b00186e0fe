import { testFaults } from '../support/alarms';
import { databaseFaults, openOnServers } from './alarms.database';

// ISSUE 14, must hold 3: servers are killed, and one shows another time.
testFaults(databaseFaults, openOnServers);
