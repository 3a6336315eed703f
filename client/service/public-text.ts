/**
 * A text with addresses, without the users and passwords in them: apt's sources may have some, and
 * anybody on the machine may ask the daemon.
 */
export function publicText(text: string): string {
  return text.replaceAll(/(?<=[a-z]:\/\/)[^\s/?#"]*@/gi, '');
}
