import { Module } from '@nestjs/common';
import { CommandLoop } from '../eventsourcing/handle.js';
import { InviteLookup } from './invite-lookup.js';
import { GetInviteLinkHandler } from './invites.handlers.js';

@Module({
  providers: [
    GetInviteLinkHandler,
    { provide: InviteLookup, inject: [CommandLoop], useFactory: (loop: CommandLoop) => new InviteLookup(loop) },
  ],
  exports: [InviteLookup],
})
export class InvitesModule {}
