/** What one consumer hears of a topic. */
export interface Channel {
  readonly topic: string;
  readonly consumer: string;
}

/** Who hears what: the consumers of each topic, by its name, wherever they run. Brokers without groups send to each. */
export class Audiences {
  constructor(private readonly byTopic: ReadonlyMap<string, readonly string[]>) {}

  consumersOf(topic: string): readonly string[] {
    return this.byTopic.get(topic) ?? [];
  }
}
