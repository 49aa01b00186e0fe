import { Controller, Delete, Get, Post } from '@nestjs/common';
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
import { HttpRequest } from '../../shared/http/http-request.decorator';
import { ChatApi } from './chat.api';
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

/** The calls of chat over HTTP. The service says what they throw. */
@Controller('chat')
export class ChatHttpController {
  constructor(private readonly chat: ChatApi) {}

  @Get('users')
  listChatUsers(@HttpRequest() request: ListChatUsersDto): Promise<ListChatUsersResponse> {
    return this.chat.listChatUsers(request);
  }

  @Post('messages')
  postMessage(@HttpRequest() request: PostMessageDto, @IdempotencyKey() key: string | undefined): Promise<ChatMessage> {
    return this.chat.postMessage(request, { idempotencyKey: key });
  }

  @Get('messages')
  listMessages(@HttpRequest() request: ListMessagesDto): Promise<ListMessagesResponse> {
    return this.chat.listMessages(request);
  }

  @Delete('messages/:seq')
  deleteMessage(@HttpRequest() request: DeleteMessageDto): Promise<ChatMessage> {
    return this.chat.deleteMessage(request);
  }

  @Post('mutes')
  muteUser(@HttpRequest() request: MuteUserDto): Promise<Mute> {
    return this.chat.muteUser(request);
  }

  @Delete('mutes/:name')
  unmuteUser(@HttpRequest() request: UnmuteUserDto): Promise<UnmuteUserResponse> {
    return this.chat.unmuteUser(request);
  }

  @Get('mutes')
  listMutes(@HttpRequest() request: ListMutesDto): Promise<ListMutesResponse> {
    return this.chat.listMutes(request);
  }

  @Post('reports')
  reportMessage(@HttpRequest() request: ReportMessageDto): Promise<Report> {
    return this.chat.reportMessage(request);
  }

  @Get('reports')
  listReports(@HttpRequest() request: ListReportsDto): Promise<ListReportsResponse> {
    return this.chat.listReports(request);
  }
}
