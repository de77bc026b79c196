import { Must } from '../eventsourcing/validation.js';
import { isRole, roles } from './roles.js';

export const IsRole = () =>
  Must(`one of ${Object.keys(roles).join(', ')}`, (value) => typeof value === 'string' && isRole(value));
