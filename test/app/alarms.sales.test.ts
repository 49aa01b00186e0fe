import { testFaults } from '../support/alarms';
import { openForSales, saleFaults } from './alarms.sales';

// ISSUE 14, must hold 3: audits find what was planted, and news that does not arrive is told.
testFaults(saleFaults, openForSales);
