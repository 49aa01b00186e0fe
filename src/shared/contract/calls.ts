import { loadSync, type MethodDefinition, type ServiceDefinition } from '@grpc/proto-loader';
import type { ExchangeRequest, ExchangeResponse } from '../../generated/aerie/calls/v1/calls';
import { loaderOptions } from './proto';

/** The service by which processes send each other calls in groups. It is no feature, and no caller's business. */
export const callsService = loadSync('aerie/calls/v1/calls.proto', loaderOptions)[
  'aerie.calls.v1.CallsService'
] as ServiceDefinition;

export const exchangeMethod = callsService.Exchange as MethodDefinition<ExchangeRequest, ExchangeResponse>;

/** Bytes of messages that travel together: both sides take 288 KiB, and each call has its metadata besides. */
export const maxGroupBytes = 128 * 1024;
