import { AddressError, notUnderstood, UrlOptions } from './url-options';

/** A parsed address of SQS queues. */
export interface SqsAddress {
  /** Of the service, without a path. */
  readonly endpoint: string;
  readonly region: string;
  readonly account: string;
  /** How the name of every queue begins. */
  readonly prefix: string;
  /** Queues that keep the order of a player's messages. */
  readonly fifo: boolean;
}

const form = /^(https?):\/\/(?:([^/?#]*)@)?([^/@?#\s]+)\/(\d{12})\/([\w-]{1,40})(?:\?([^#\s]*))?$/;
const reason = 'must be https://sqs.<region>.amazonaws.com/<account>/<prefix>, the account of 12 digits';
const regional =
  /(?:^|\.)sqs(?:-fips)?\.([a-z0-9-]{1,32})\.(?:vpce\.)?(?:amazonaws\.com(?:\.cn)?|api\.aws)(?::\d{1,5})?$/;

/**
 * `https://sqs.<region>.amazonaws.com/<account>/<prefix>`, or another endpoint that speaks the same, which says its region
 * (`?region=`); `?fifo=true` for FIFO queues. Without credentials: these are found as every AWS SDK finds them.
 * @throws AddressError, without the URL, also for an option that is not understood
 */
export function parseSqsUrl(url: string): SqsAddress {
  const [, scheme, credentials, host = '', account = '', prefix = '', query = ''] = form.exec(url) ?? [];
  if (scheme === undefined) throw new AddressError(reason);
  if (credentials !== undefined)
    throw new AddressError('holds credentials: they come from the environment or the role, as for every AWS SDK');
  const endpoint = `${scheme}://${host}`;
  if (!URL.canParse(endpoint)) throw new AddressError(reason);
  const options = new UrlOptions(query);
  const address = { endpoint, region: regionOf(host, options), account, prefix, fifo: fifoOf(options) };
  options.end();
  return address;
}

function regionOf(host: string, options: UrlOptions): string {
  const [, told] = regional.exec(host) ?? [];
  const { name = '', value: region = told } = options.takeOption('region') ?? {};
  if (region === undefined)
    throw new AddressError('does not say its region: add ?region=eu-west-1, or whichever it is');
  if (!/^[a-z0-9-]{1,32}$/.test(region)) throw notUnderstood(name);
  if (told !== undefined && told !== region) throw new AddressError('names two regions: that of its host and another');
  return region;
}

function fifoOf(options: UrlOptions): boolean {
  const { name = '', value = 'false' } = options.takeOption('fifo') ?? {};
  if (value !== 'true' && value !== 'false') throw notUnderstood(name);
  return value === 'true';
}
