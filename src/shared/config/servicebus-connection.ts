import { AddressError } from './url-options';

/** A checked connection string of Azure Service Bus. */
export interface ServiceBusConnection {
  readonly host: string;
  /** Unset: 5671, or 5672 of the emulator. */
  readonly port?: number;
  /** The key, or the signature that was made with it. */
  readonly secret: string;
  /** The emulator speaks without TLS. */
  readonly emulator: boolean;
}

const form =
  'must be Endpoint=sb://<namespace>.servicebus.windows.net/;SharedAccessKeyName=<name>;SharedAccessKey=<key>';
const known = [
  'Endpoint',
  'SharedAccessKeyName',
  'SharedAccessKey',
  'SharedAccessSignature',
  'UseDevelopmentEmulator',
] as const;
type Known = (typeof known)[number];

/**
 * `Endpoint=sb://host[:port]/;SharedAccessKeyName=name;SharedAccessKey=key`, or `;SharedAccessSignature=SharedAccessSignature
 * sr=...` in place of name and key; `;UseDevelopmentEmulator=true`: without TLS. Names are spelled as Azure spells them.
 * @throws AddressError, which shows nothing of the text, also for a part that is not understood
 */
export function parseServiceBusConnection(text: string): ServiceBusConnection {
  const parts = partsOf(text);
  const [, host, port] =
    /^sb:\/\/([A-Za-z0-9.-]{1,253})(?::([1-9]\d{0,4}))?\/?$/.exec(parts.get('Endpoint') ?? '') ?? [];
  if (host === undefined || Number(port ?? 1) > 65_535) throw new AddressError(form);
  const emulator = parts.get('UseDevelopmentEmulator') ?? 'false';
  if (!/^(true|false)$/.test(emulator)) throw new AddressError('must say true or false with UseDevelopmentEmulator');
  const secret = secretOf(parts);
  return { host, ...(port === undefined ? {} : { port: Number(port) }), secret, emulator: emulator === 'true' };
}

function partsOf(text: string): ReadonlyMap<Known, string> {
  const parts = new Map<Known, string>();
  for (const part of text.split(';').map((each) => each.trim())) {
    if (part === '') continue;
    const at = part.indexOf('=');
    const name = part.slice(0, Math.max(0, at));
    // It would be the bus of one topic, or of one queue.
    if (name === 'EntityPath') throw new AddressError('has an EntityPath: take the connection string of the namespace');
    // Neither is told by its name, since a piece of a key may look like one.
    if (!isKnown(name))
      throw new AddressError(`has a part that Aerie does not understand; known are ${known.join(', ')}`);
    if (parts.has(name)) throw new AddressError(`says ${name} twice`);
    parts.set(name, part.slice(at + 1));
  }
  return parts;
}

function secretOf(parts: ReadonlyMap<Known, string>): string {
  const [name, key, signature] = (['SharedAccessKeyName', 'SharedAccessKey', 'SharedAccessSignature'] as const).map(
    (part) => parts.get(part),
  );
  if (signature !== undefined) {
    if (name !== undefined || key !== undefined)
      throw new AddressError('has a SharedAccessSignature and a SharedAccessKey: choose one');
    if (!/^SharedAccessSignature sr=\S+$/.test(signature))
      throw new AddressError('must have a SharedAccessSignature that begins with SharedAccessSignature sr=');
    return signature;
  }
  if (!name || !key || /\s/.test(name + key)) throw new AddressError(form);
  return key;
}

function isKnown(name: string): name is Known {
  return known.some((one) => one === name);
}
