import type { IncomingMessage, ServerResponse } from 'node:http';
import { LocalServer } from './local-server';

// Answers as Amazon SQS does what looks and changes nothing: statuses, headers and errors in the shapes that its API reference
// shows for AWS JSON 1.0. ElasticMQ, which takes any credentials, refuses nobody; this one can.

/** What it has against everybody; the codes are those of IAM and SQS. */
type Refusal = 'InvalidClientTokenId' | 'AccessDeniedException' | 'InternalFailure';

export class SqsLookServer extends LocalServer {
  readonly account = '000000000000';
  /** Names of the queues that are there. */
  readonly queues = new Set<string>();
  /** The actions that were asked for, and the names of the queues that they were of. */
  readonly asked: { readonly action: string; readonly queue: string }[] = [];
  refusal: Refusal | undefined;

  protected override async serve(request: IncomingMessage, body: string, response: ServerResponse): Promise<void> {
    const { QueueUrl = '' } = JSON.parse(body) as { readonly QueueUrl?: string };
    const queue = QueueUrl.split('/').at(-1) ?? '';
    const [, action = ''] = String(request.headers['x-amz-target']).split('.');
    this.asked.push({ action, queue });
    const { refusal } = this;
    if (refusal === 'InternalFailure') return fail(response, 500, `com.amazon.coral.service#${refusal}`);
    if (refusal)
      return fail(response, refusal === 'AccessDeniedException' ? 400 : 403, `com.amazon.coral.service#${refusal}`);
    if (!this.queues.has(queue))
      return fail(
        response,
        400,
        'com.amazonaws.sqs#QueueDoesNotExist',
        'AWS.SimpleQueueService.NonExistentQueue;Sender',
      );
    const QueueArn = `arn:aws:sqs:eu-west-1:${this.account}:${queue}`;
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' });
    response.end(JSON.stringify({ Attributes: { QueueArn } }));
  }
}

function fail(response: ServerResponse, status: number, type: string, query?: string): void {
  response.writeHead(status, {
    'content-type': 'application/x-amz-json-1.0',
    ...(query && { 'x-amzn-query-error': query }),
  });
  response.end(JSON.stringify({ __type: type, message: 'Said in words that nobody has to repeat.' }));
}
