import type { Strange } from '../config/config.strange';
import { type Finding, Patient } from '../findings/finding';

/** Says which variables are set in vain. */
export function lookAtVariables({ misspelt, telemetry }: Strange): Finding[] {
  const typos = misspelt.flatMap(({ name, meant }) => {
    const patient = new Patient('settings', name);
    patient.warn('it is no setting of Aerie, and is not read', `Should it be ${meant}? .env.example has all of them.`);
    return patient.findings;
  });
  const others = telemetry.flatMap((name) => {
    const patient = new Patient('settings', name);
    patient.warn(
      'Aerie does not heed this one of the variables of OpenTelemetry',
      'Leave it out; .env.example has those that it heeds.',
    );
    return patient.findings;
  });
  return [...typos, ...others];
}
