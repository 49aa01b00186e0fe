import { Jobs } from '../../src/shared/async/jobs';
import { Metrics } from '../../src/shared/metrics/metrics';
import { type Recording, recordingLogger } from './recording-logger';

export interface TestJobs extends Recording {
  readonly jobs: Jobs;
  /** The value of a metric by name and job; undefined when there is none. */
  metric(name: string, job: string): Promise<number | undefined>;
}

/** The real jobs with metrics and a log that can be looked at. */
export function testJobs(): TestJobs {
  const metrics = new Metrics();
  const recording = recordingLogger();
  const metric = async (name: string, job: string): Promise<number | undefined> => {
    const found = (await metrics.registry.getSingleMetric(name)?.get())?.values ?? [];
    return found.find(({ labels }) => labels.job === job)?.value;
  };
  return { ...recording, jobs: new Jobs(metrics, recording.logger), metric };
}
