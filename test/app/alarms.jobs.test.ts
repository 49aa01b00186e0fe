import { testFaults } from '../support/alarms';
import { jobFaults, openForJobs } from './alarms.jobs';

// ISSUE 14, must hold 3: jobs fail, hang, and leave rows alone.
testFaults(jobFaults, openForJobs);
