import { parseSqsUrl } from '../../../src/shared/config/sqs-url';
import { AddressError } from '../../../src/shared/config/url-options';

const path = '/123456789012/aerie';
const aws = 'https://sqs.eu-west-1.amazonaws.com';

test.each([
  [aws + path, { endpoint: aws, region: 'eu-west-1', account: '123456789012', prefix: 'aerie', fifo: false }],
  [`${aws}${path}?fifo=true`, { region: 'eu-west-1', fifo: true }],
  [`${aws}${path}?fifo=false&region=eu-west-1`, { region: 'eu-west-1', fifo: false }],
  [`https://sqs.cn-north-1.amazonaws.com.cn${path}`, { region: 'cn-north-1' }],
  [`https://sqs-fips.us-gov-west-1.amazonaws.com${path}`, { region: 'us-gov-west-1' }],
  [`https://sqs.eu-west-1.api.aws${path}`, { region: 'eu-west-1' }],
  [`https://vpce-0a-1b.sqs.us-east-2.vpce.amazonaws.com${path}`, { region: 'us-east-2' }],
  [
    'http://127.0.0.1:9324/000000000000/a_b-C?region=elasticmq&fifo=true',
    { endpoint: 'http://127.0.0.1:9324', region: 'elasticmq', account: '000000000000', prefix: 'a_b-C', fifo: true },
  ],
])('%s', (url, expected) => {
  expect(parseSqsUrl(url)).toMatchObject(expected);
});

test.each([
  ['', /must be https/],
  ['secret', /must be https/],
  ['redis://secret', /must be https/],
  [`${aws}/12345/secret`, /must be https/],
  [`${aws}/123456789012`, /must be https/],
  [`${aws}${path}/secret`, /must be https/],
  [`${aws}/123456789012/${'a'.repeat(41)}`, /must be https/],
  [`${aws}/123456789012/a.secret`, /must be https/],
  [`https://a:1:secret${path}?region=a`, /must be https/],
  [`https://AKIA:secret@sqs.eu-west-1.amazonaws.com${path}`, /holds credentials/],
  [`https://secret@sqs.eu-west-1.amazonaws.com${path}`, /holds credentials/],
  [`http://127.0.0.1:9324${path}`, /does not say its region/],
  [`https://sqs.eu-west-1.amazonaws.com.secret.example${path}`, /does not say its region/],
  [`${aws}${path}?region=us-east-1`, /names two regions/],
  [`http://h${path}?region=EU%20secret`, /says something with region/],
  [`${aws}${path}?fifo=secret`, /says something with fifo/],
  [`${aws}${path}?fifo`, /says something with fifo/],
  [`${aws}${path}?fifo=true&FIFO=false`, /says FIFO twice/],
  [`${aws}${path}?tls=secret`, /does not understand: tls/],
])('%s is refused without being told', (url, reason) => {
  expect(() => parseSqsUrl(url)).toThrow(AddressError);
  expect(() => parseSqsUrl(url)).toThrow(reason);
  expect(() => parseSqsUrl(url)).not.toThrow(/secret|AKIA/);
});
