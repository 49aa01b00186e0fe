import { AppError } from '../../shared/errors/app-error';
import { validationFailed } from '../../shared/errors/common.errors';

export function flagNotFound(id: string): AppError {
  return new AppError('not_found', 'flag_not_found', `No flag has the id ${id}`);
}

export function ruleNotFound(id: string): AppError {
  return new AppError('not_found', 'rule_not_found', `No rule is called ${id}`);
}

export function versionMismatch(expected: number, found: number): AppError {
  return new AppError('version', 'version_mismatch', `The rule has version ${found}, not ${expected}`);
}

/** Thresholds that belong to another rule. */
export function foreignThreshold(rule: string, names: readonly string[]): AppError {
  return validationFailed(
    names.map((name) => ({ field: `thresholds.${name}`, message: `is not a threshold of ${rule}` })),
  );
}
