/** `meeting:getCalendarLink {}` */
export class GetCalendarLink {
  readonly type = 'GetCalendarLink' as const;
}

/** `meeting:resetCalendarLink {}` */
export class ResetCalendarLink {
  readonly type = 'ResetCalendarLink' as const;
}
