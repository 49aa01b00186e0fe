/** Why an address cannot be used: words that follow the name of its variable and show nothing of its value. */
export class AddressError extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'AddressError';
  }
}

interface Option {
  readonly name: string;
  readonly value: string;
}

/**
 * The options behind the `?` of an address. One option has many spellings (`ssl-mode`, `sslMode`, `ssl_mode`), so case,
 * `-` and `_` make no difference. Whoever understands an option takes it; what is left in the end is refused by name.
 */
export class UrlOptions {
  private readonly left = new Map<string, Option>();

  /** `query`: percent-encoded, without the `?`. @throws AddressError when an option is there twice */
  constructor(query: string) {
    for (const part of query.split('&').filter((each) => each !== '')) {
      const [name = '', ...value] = part.split('=');
      const option = { name: decoded(name), value: decoded(value.join('=')) };
      const key = keyOf(option.name);
      if (this.left.has(key)) throw new AddressError(`says ${shown(option.name)} twice`);
      this.left.set(key, option);
    }
  }

  /** The value of the first of these options that is there, which is understood now. */
  take(...names: readonly string[]): string | undefined {
    return this.takeOption(...names)?.value;
  }

  /** The same, with the name as it is spelled there. */
  takeOption(...names: readonly string[]): Option | undefined {
    for (const name of names) {
      const option = this.left.get(name);
      if (!option) continue;
      this.left.delete(name);
      return { ...option, name: shown(option.name) };
    }
    return undefined;
  }

  /** Takes an option that asks for nothing but what is done anyway. @throws AddressError when it asks for something else */
  takeIf(name: string, value: RegExp): void {
    const option = this.takeOption(name);
    if (option && !value.test(option.value)) throw notUnderstood(option.name);
  }

  /** @throws AddressError naming an option that nobody took */
  end(): void {
    for (const { name } of this.left.values())
      throw new AddressError(`has an option that Aerie does not understand: ${shown(name)}`);
  }
}

/** The value of an option is none that we know. */
export function notUnderstood(name: string): AddressError {
  return new AddressError(`says something with ${name} that Aerie does not understand`);
}

/** Percent-decoded. @throws AddressError for a `%` that stands for itself */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new AddressError('has a % that stands for itself: write %25');
  }
}

function keyOf(name: string): string {
  return name.toLowerCase().replace(/[-_ ]/g, '');
}

// A password with a ? in it looks like an option: nothing is shown that does not look like the name of one.
function shown(name: string): string {
  return /^[a-z][\w.-]{0,40}$/i.test(name) ? name : 'one whose name is none (in a password, ? is %3F and # is %23)';
}
