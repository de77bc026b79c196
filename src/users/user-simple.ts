import type { JsonObject } from '../eventsourcing/events.js';

/** A person as meetings and `user_info` show them. Source: seed 004 (User Simple). */
export type UserSimple = {
  readonly id: string;
  readonly firstName: string;
  readonly lastName: string;
  /** 0: default, 1: incognito. */
  readonly privacyMode: number;
  /** URL, `''` without one. */
  readonly avatar: string;
  /** Left out where there is none. */
  readonly avatar3D?: JsonObject;
  readonly companyName: string;
  readonly companyTitle: string;
};

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);
const isFilled = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;

/** By the fields of the same names in the token's profile; without them names come from `display_name`, its last word is the last name. */
export function userSimple(id: string, profile: JsonObject): UserSimple {
  const words = (text(profile.display_name) ?? '').trim().split(/\s+/);
  const last = words.length > 1 ? words.pop() : undefined;
  const { avatar3D, privacyMode } = profile;
  return {
    id,
    firstName: text(profile.firstName) ?? words.join(' '),
    lastName: text(profile.lastName) ?? last ?? '',
    privacyMode: privacyMode === 1 ? 1 : 0,
    avatar: text(profile.avatar) ?? text(profile.avatar_url) ?? '',
    ...(isFilled(avatar3D) && { avatar3D }),
    companyName: text(profile.companyName) ?? '',
    companyTitle: text(profile.companyTitle) ?? '',
  };
}
