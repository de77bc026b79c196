import type { WorldEvent } from '../../identity/worlds.js';
import { GrantWorldRole, RevokeWorldRole } from '../../identity/worlds.commands.js';
import { command, wire } from './wire.js';

const needs = () => ({ permission: 'world:update' }) as const;
const reply = () => ({});

/** Source: wire contract, section 2. */
export const identityWire = wire<WorldEvent>(
  {
    'world.grant': command({ shape: GrantWorldRole, needs, reply }),
    'world.revoke': command({ shape: RevokeWorldRole, needs, reply }),
  },
  {},
);
