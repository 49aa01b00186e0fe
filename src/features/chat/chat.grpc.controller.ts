import { Controller, Optional } from '@nestjs/common';
import { GrpcMethod, GrpcStreamCall, Payload } from '@nestjs/microservices';
import type {
  ChatMessage,
  ListChatUsersResponse,
  ListMessagesResponse,
  ListMutesResponse,
  ListReportsResponse,
  Mute,
  Report,
  UnmuteUserResponse,
} from '../../generated/aerie/chat/v1/chat';
import { IdempotencyKey } from '../../shared/contract/idempotency-key';
import { ChatApi } from './chat.api';
import { ChatConnect, type ConnectCall, connectElsewhere } from './chat.connect.stream';
import {
  DeleteMessageDto,
  ListChatUsersDto,
  ListMessagesDto,
  ListMutesDto,
  ListReportsDto,
  MuteUserDto,
  PostMessageDto,
  ReportMessageDto,
  UnmuteUserDto,
} from './chat.dto';

/** The calls of chat over gRPC. The service says what they throw. */
@Controller()
export class ChatGrpcController {
  /** `connections` is missing where chat runs in another process. */
  constructor(
    private readonly chat: ChatApi,
    @Optional() private readonly connections?: ChatConnect,
  ) {}

  @GrpcStreamCall('ChatService')
  connect(call: ConnectCall): Promise<void> {
    return this.connections ? this.connections.serve(call) : connectElsewhere(call);
  }

  @GrpcMethod('ChatService')
  listChatUsers(@Payload() request: ListChatUsersDto): Promise<ListChatUsersResponse> {
    return this.chat.listChatUsers(request);
  }

  @GrpcMethod('ChatService')
  postMessage(@Payload() request: PostMessageDto, @IdempotencyKey() key: string | undefined): Promise<ChatMessage> {
    return this.chat.postMessage(request, { idempotencyKey: key });
  }

  @GrpcMethod('ChatService')
  listMessages(@Payload() request: ListMessagesDto): Promise<ListMessagesResponse> {
    return this.chat.listMessages(request);
  }

  @GrpcMethod('ChatService')
  deleteMessage(@Payload() request: DeleteMessageDto): Promise<ChatMessage> {
    return this.chat.deleteMessage(request);
  }

  @GrpcMethod('ChatService')
  muteUser(@Payload() request: MuteUserDto): Promise<Mute> {
    return this.chat.muteUser(request);
  }

  @GrpcMethod('ChatService')
  unmuteUser(@Payload() request: UnmuteUserDto): Promise<UnmuteUserResponse> {
    return this.chat.unmuteUser(request);
  }

  @GrpcMethod('ChatService')
  listMutes(@Payload() request: ListMutesDto): Promise<ListMutesResponse> {
    return this.chat.listMutes(request);
  }

  @GrpcMethod('ChatService')
  reportMessage(@Payload() request: ReportMessageDto): Promise<Report> {
    return this.chat.reportMessage(request);
  }

  @GrpcMethod('ChatService')
  listReports(@Payload() request: ListReportsDto): Promise<ListReportsResponse> {
    return this.chat.listReports(request);
  }
}
