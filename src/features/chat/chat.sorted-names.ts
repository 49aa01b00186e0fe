/** Names in order, each once: added and removed in O(log n) comparisons, and read by the page. */
export class SortedNames {
  private readonly names: string[] = [];

  add(name: string): void {
    const at = this.placeOf(name);
    if (this.names[at] !== name) this.names.splice(at, 0, name);
  }

  remove(name: string): void {
    const at = this.placeOf(name);
    if (this.names[at] === name) this.names.splice(at, 1);
  }

  get size(): number {
    return this.names.length;
  }

  /** Up to `limit` names that come after `after`. */
  page(after: string | undefined, limit: number): readonly string[] {
    let from = after === undefined ? 0 : this.placeOf(after);
    if (after !== undefined && this.names[from] === after) from += 1;
    return this.names.slice(from, from + limit);
  }

  /** Where the name is, or would be. */
  private placeOf(name: string): number {
    let [low, high] = [0, this.names.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.names[middle] as string) < name) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
