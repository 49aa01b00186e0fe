import { testFaults } from '../support/alarms';
import { eventFaults, openForEvents } from './alarms.events';

// ISSUE 14, must hold 3: consumers stand still, or meet what they cannot apply.
testFaults(eventFaults, openForEvents);
