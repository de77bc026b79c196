import {
  createParamDecorator,
  Inject,
  Injectable,
  SetMetadata,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { RequestRate } from '../gateway/request-rate.js';
import { bearerToken } from '../gateway/upgrade.js';
import { Access } from '../identity/access.js';
import type { Permission } from '../identity/roles.js';
import type { Session } from '../identity/session.js';
import { SignInService } from '../identity/sign-in.js';

const NEEDS = 'convoke:needs';

/** The permission in the caller's world that a route or controller asks for. */
export const Needs = (permission: Permission): ClassDecorator & MethodDecorator => SetMetadata(NEEDS, permission);

const sessions = new WeakMap<object, Session>();

/**
 * Signs a request in by its bearer token, into the token's own world, counts it, and asks for the permission of `Needs`.
 * @throws Refused auth.*, rate_limited
 */
@Injectable()
export class CallerGuard implements CanActivate {
  constructor(
    @Inject(SignInService) private readonly signIns: SignInService,
    @Inject(Access) private readonly access: Access,
    @Inject(RequestRate) private readonly rate: RequestRate,
    @Inject(Reflector) private readonly reflector: Reflector,
  ) {}

  async canActivate(context: ExecutionContext): Promise<true> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const session = await this.signIns.byToken(bearerToken(request.raw));
    this.rate.take(session);
    const permission = this.reflector.getAllAndOverride<Permission | undefined>(NEEDS, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (permission) this.access.require(session, permission);
    sessions.set(request, session);
    return true;
  }
}

/** The session of the one who asks; for routes behind `CallerGuard`. */
export const Caller = createParamDecorator((_none: unknown, context: ExecutionContext): Session => {
  const session = sessions.get(context.switchToHttp().getRequest<FastifyRequest>());
  if (!session) throw new Error('a route without CallerGuard asked for its caller');
  return session;
});
