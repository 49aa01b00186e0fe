import { parseServiceBusConnection } from '../../../src/shared/config/servicebus-connection';
import { AddressError } from '../../../src/shared/config/url-options';

const endpoint = 'Endpoint=sb://aerie.servicebus.windows.net/';
const key = 'SharedAccessKeyName=Root;SharedAccessKey=secret+secret/abc=';

test.each([
  [`${endpoint};${key}`, { host: 'aerie.servicebus.windows.net', secret: 'secret+secret/abc=', emulator: false }],
  // As the portal gives it out, and with what a person adds.
  [` ${endpoint} ; ${key} ;`, { host: 'aerie.servicebus.windows.net', secret: 'secret+secret/abc=', emulator: false }],
  [
    `Endpoint=sb://localhost:5673;${key};UseDevelopmentEmulator=true`,
    { host: 'localhost', port: 5673, secret: 'secret+secret/abc=', emulator: true },
  ],
  [
    `${endpoint};SharedAccessSignature=SharedAccessSignature sr=sb%3A%2F%2Faerie&sig=secret%3D&se=1&skn=Root`,
    {
      host: 'aerie.servicebus.windows.net',
      secret: 'SharedAccessSignature sr=sb%3A%2F%2Faerie&sig=secret%3D&se=1&skn=Root',
      emulator: false,
    },
  ],
])('%s', (text, expected) => {
  expect(parseServiceBusConnection(text)).toEqual(expected);
});

test.each([
  ['nothing', '', /must be Endpoint=/],
  ['no endpoint', key, /must be Endpoint=/],
  ['another scheme', `Endpoint=https://aerie.servicebus.windows.net/;${key}`, /must be Endpoint=/],
  ['a path', `Endpoint=sb://aerie/secret;${key}`, /must be Endpoint=/],
  ['a user', `Endpoint=sb://secret@aerie/;${key}`, /must be Endpoint=/],
  ['no port', `Endpoint=sb://aerie:99999/;${key}`, /must be Endpoint=/],
  ['a key without a name', `${endpoint};SharedAccessKey=secret`, /must be Endpoint=/],
  ['a name without a key', `${endpoint};SharedAccessKeyName=secret`, /must be Endpoint=/],
  ['a key with a line break', `${endpoint};SharedAccessKeyName=Root;SharedAccessKey=sec\nret`, /must be Endpoint=/],
  ['a key twice', `${endpoint};${key};SharedAccessKey=secret`, /says SharedAccessKey twice/],
  ['a key and a signature', `${endpoint};${key};SharedAccessSignature=SharedAccessSignature sr=secret`, /choose one/],
  ['half a signature', `${endpoint};SharedAccessSignature=secret`, /begins with SharedAccessSignature sr=/],
  ['one topic', `${endpoint};${key};EntityPath=secret`, /has an EntityPath: take the connection string of the name/],
  ['an option of others', `${endpoint};${key};TransportType=secret`, /does not understand/],
  ['a key that was torn', `${endpoint};${key};secret`, /does not understand/],
  ['a spelling of its own', `endpoint=sb://secret/;${key}`, /does not understand/],
  ['an emulator, perhaps', `${endpoint};${key};UseDevelopmentEmulator=secret`, /true or false/],
  ['a Redis URL', 'redis://:secret@h', /does not understand/],
])('%s is refused without being told', (_name, text, told) => {
  expect(() => parseServiceBusConnection(text)).toThrow(AddressError);
  expect(() => parseServiceBusConnection(text)).toThrow(told);
  expect(() => parseServiceBusConnection(text)).not.toThrow(/secret|Root/);
});
